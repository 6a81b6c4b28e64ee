"""`plait promote`: the last step of `plait run`."""


def promote() -> None:
    """Compare the winning plan of each service with its champion; promote or refuse it.

    Uses the outputs of the last run; trains and measures nothing. A refusal is not an error: the
    champion stays, and registry/SERVICE records the reason.
    """
    from plait.experiment.loading import load
    from plait.plans.promotion import promote as promote_plans
    from plait.running.project import root

    for decision in promote_plans(load(root() / "params.yaml"), root()):
        print(f"{decision.service}: {decision.status}. {decision.reason}")
