"""What is in an egg, or in what is installed, and where does it come from?"""
