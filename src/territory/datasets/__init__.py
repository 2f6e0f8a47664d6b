"""The dataset inside the package: the Var, and the communes within 45 km around it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "files": ["DataFiles", "FilesDataset", "dataset_names", "load_dataset", "load_files", "open_dataset"],
        "var": ["VarDataset", "load_var"],
    },
)
