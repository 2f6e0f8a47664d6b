from .gate import Release as Release
from .gate import release as release
