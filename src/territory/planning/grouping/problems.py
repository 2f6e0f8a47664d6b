"""Why there is no partition: who cannot be grouped, what size is missing."""

from __future__ import annotations

import numpy as np
from scipy.sparse.csgraph import connected_components

from territory.errors import InfeasibleError, examples
from territory.planning.grouping.inputs import GroupInputs


def check_groups(inputs: GroupInputs, n_groups: int | None) -> None:
    """Raise when it is seen at once that no partition exists."""
    nodes = inputs.nodes
    total = float(inputs.size.sum())
    asked = nodes.min_size * (n_groups or 1)
    if total < asked:
        raise InfeasibleError(
            f"La taille totale ({total:g}) est sous celle de {n_groups or 1} groupe(s) de {nodes.min_size:g} : il "
            f"manque {asked - total:g}. Baissez min_size ou le nombre de groupes."
        )
    # nodes that touch and may be together are the only links along which a group can grow
    linked = nodes.touching & nodes.together
    parts, part = connected_components(linked, directed=False)
    small = [
        which for which in range(parts) if not nodes.is_large_enough(float(nodes.size[part == which].sum()))
    ]
    if small:
        alone = inputs.ids[np.isin(part[nodes.unit_node], small)]
        raise InfeasibleError(
            f"{len(alone)} unité(s) ({examples(alone)}) ne peuvent former un groupe de {nodes.min_size:g} avec leurs "
            "voisines à la durée demandée : allongez max_time_min, baissez min_size, retirez-les, ou donnez vos "
            "propres voisinages (neighbours)."
        )
    # even with all its companions around, contiguous or not
    stuck = [
        which
        for which in range(nodes.size.size)
        if not nodes.is_large_enough(float(nodes.size[nodes.together[which]].sum()))
    ]
    if stuck:
        alone = inputs.ids[np.isin(nodes.unit_node, stuck)]
        raise InfeasibleError(
            f"{len(alone)} unité(s) ({examples(alone)}) n'ont pas assez de membres à la durée demandée pour atteindre "
            f"{nodes.min_size:g} : allongez max_time_min, baissez min_size, ou retirez-les."
        )


def no_partition(inputs: GroupInputs, n_groups: int | None) -> InfeasibleError:
    """Return the error of a search that found no partition."""
    number = f"{n_groups} groupes" if n_groups else "groupes"
    return InfeasibleError(
        f"Aucun découpage en {number} contigus de {inputs.nodes.min_size:g} au moins n'a été trouvé : allongez "
        "max_time_min, baissez min_size, ou changez le nombre de groupes."
    )
