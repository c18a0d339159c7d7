"""lxcfs_py: containers see their own resources in /proc and /sys, and what they see is what is enforced."""

from importlib.metadata import version

__version__ = version("lxcfs-py")
