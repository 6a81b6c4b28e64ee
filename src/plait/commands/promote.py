"""`plait promote`: what `plait run` does last, by hand."""


def promote() -> None:
    """Let the winning plan of each service meet its champion, and say what became of it.

    Uses what the last run left: it trains and measures nothing. A refused plan is no failure: the
    champion stays and the reason is kept in registry/SERVICE.
    """
    from plait.experiment.loading import load
    from plait.plans.promotion import promote as promote_plans
    from plait.running.project import root

    for decision in promote_plans(load(root() / "params.yaml"), root()):
        print(f"{decision.service}: {decision.outcome}. {decision.reason}")
