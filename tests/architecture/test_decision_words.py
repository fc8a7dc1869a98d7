"""The page about decisions tells every verdict and every reason in the words that the API uses.

``python -m tests.architecture.test_decision_words`` writes both tables anew.
"""

import re

from backfuture_common.messages.decisions import PASSING, REASONS, VERDICTS

from tests.architecture.source import ROOT

PAGE = ROOT / "docs" / "decisions.md"


def reasons_table() -> str:
    rows = [
        f"| `{code}` | {reason.words} | {reason.stage} | {'yes' if code in PASSING else ''} |"
        for code, reason in REASONS.items()
    ]
    return "\n".join(["| code | in words | stage | may pass by itself |", "|---|---|---|---|", *rows])


def verdicts_table() -> str:
    rows = [f"| `{verdict}` | the bot {words} |" for verdict, words in VERDICTS.items()]
    return "\n".join(["| verdict | in words |", "|---|---|", *rows])


def tables() -> dict[str, str]:
    return {"reasons": reasons_table(), "verdicts": verdicts_table()}


def test_the_page_has_every_code_in_words() -> None:
    page = PAGE.read_text()
    for table in tables().values():
        assert table in page


if __name__ == "__main__":
    text = PAGE.read_text()
    for name, table in tables().items():
        text = re.sub(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", rf"\g<1>{table}\n\g<2>", text, flags=re.DOTALL)
    PAGE.write_text(text)
