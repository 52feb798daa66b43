from terminal.display import stages


def test_in_a_log_each_stage_of_a_training_is_said_as_it_begins_and_ends(capsys):
    with stages() as tell:
        for _ in range(30):
            tell("search", 30)
        assert capsys.readouterr().err.splitlines() == ["search: 1 of 30", "search: 30 of 30"]
