"""What `auditloop frameworks coverage` prints: each rule of the rulebook, what enacts it, and what proves that."""

from collections import Counter

from audits.frameworks import framework_named, shipped
from audits.frameworks.coverage import coverage_named


def print_coverage(name: str | None) -> None:
    """Print the rules of one framework, or of all. Raises FrameworkError for a name that isn't there."""
    for one in (name,) if name else shipped():
        framework = framework_named(one)
        rules = coverage_named(one)
        counts = Counter(rule.word for rule in rules.values())
        print(f"{framework.about.title}: {len(rules)} rules of {framework.about.document}")
        print(f"  {', '.join(f'{counts[word]} {word}' for word in ('enacted', 'calendar', _NOT) if counts[word])}\n")
        for rule_id, rule in rules.items():
            print(f"{rule_id}  {rule.says}")
            if rule.by:
                print(f"        enacted by {', '.join(rule.by)}")
                print(f"        proved by {rule.test}")
            elif rule.calendar:
                print(f"        calendar: {rule.calendar}")
            else:
                print(f"        {_NOT}: {rule.not_a_bots}")
        print()
    print(
        "calendar: a recurring QA activity or report that isn't the audit itself (auditloop frameworks calendar NAME)."
    )
    print(f"{_NOT}: something that people do and a bot should keep out of, with the reason.")


_NOT = "not a bot's"
