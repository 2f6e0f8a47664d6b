from .inputs.prepare import Inputs as Inputs
from .inputs.prepare import prepare as prepare
from .run import run_study as run_study
