"""What Terraform provisioned is what it would provision again."""

from belo.local_cloud import provision


def test_a_second_plan_changes_nothing(stack, endpoint, emulator, workdir):
    assert provision.changes(workdir) == []
