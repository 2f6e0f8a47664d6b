from .files import DataFiles as DataFiles
from .files import FilesDataset as FilesDataset
from .files import dataset_names as dataset_names
from .files import load_dataset as load_dataset
from .files import load_files as load_files
from .files import open_dataset as open_dataset
from .var import VarDataset as VarDataset
from .var import load_var as load_var
