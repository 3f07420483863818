"""Why would a buildout hit, or miss?"""
