"""What does everything else need?"""
