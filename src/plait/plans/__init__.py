"""Plans: the scores of all candidates in; a verdict for each service out, and its promotion.

verdict (which plan wins) → promotion (whether it replaces the champion) → registry (what is in
production, and how that came to be).
"""
