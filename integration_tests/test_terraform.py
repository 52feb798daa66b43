"""What Terraform provisioned is what it would provision again."""

from belo import local_cloud


def test_a_second_plan_changes_nothing(stack, endpoint, emulator, workdir):
    assert local_cloud.changes(workdir) == []
