"""`finale drill`: what may go wrong, done on purpose to a scratch installation."""

from pathlib import Path

import click

from finale_pipeline.commands.common import note, say
from finale_pipeline.drills.registry import DrillOutcome, chosen, play, table, total
from finale_pipeline.drills.scene import scratch
from finale_pipeline.errors import LocalError

BEGINS, ENDS = "<!-- drills -->", "<!-- end of drills -->"


@click.command()
@click.argument("names", nargs=-1)
@click.option("--list", "lists", is_flag=True, help="Say what they are; play none.")
@click.option(
    "--write",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the table into this page, between its marks for drills.",
)
def command(names: tuple[str, ...], *, lists: bool, write: Path | None) -> int:
    """Play the drills of these names, or whose names begin so; all without names.

    Each gets a database of its own and a simulated account in a scratch folder. Nothing of an
    installation here is read or changed.
    """
    drills = chosen(names)
    if lists:
        say("\n".join(f"{d.name:32} {d.inject} → {d.expect}" for d in drills))
        return 0
    outcomes: list[DrillOutcome] = []
    with scratch() as stage:
        for outcome in play(drills, stage):
            outcomes.append(outcome)
            how = f"lost: {outcome.lost}" if outcome.lost else "survived"
            note(f"{outcome.seconds:5.1f} s  {outcome.drill.name:32} {how}")
    say(f"{table(outcomes)}\n\n{total(outcomes)}")
    if write is not None:
        page = write.read_text(encoding="utf-8")
        before, after = page.partition(BEGINS)[0], page.partition(ENDS)[2]
        text = f"{before}{BEGINS}\n\n{table(outcomes)}\n\n{ENDS}{after}"
        write.write_text(text, encoding="utf-8")
    return LocalError.exit_code if any(one.lost for one in outcomes) else 0
