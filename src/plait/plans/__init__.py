"""Plans: the scores of all candidates in; a verdict for each service out, and its promotion.

gates (what every plan must meet) → verdict (which plan wins) → finalists (the winner as a record),
rivals (the champion's answers to its rows), succession (whether it replaces the champion) →
promotion (the decision, written into the registry).
"""
