"""The committed sros2 policy is what the nodes do: nothing less, and nothing more."""

import xml.etree.ElementTree as ElementTree

import pytest

from security.make_policy import POLICY, SUBJECTS, TF, Access, allowed, from_xml, to_xml
from test.grasp_node_kit.every_node import NODES
from test.rig import Rig


@pytest.fixture(scope="module")
def rig():
    made = Rig()
    yield made
    made.close()


@pytest.fixture(scope="module")
def policy():
    return from_xml(POLICY.read_text())


@pytest.mark.parametrize("name", sorted(NODES))
def test_a_node_may_do_what_it_does_and_nothing_more(rig, policy, name):
    assert policy[f"/{name}"] == allowed(name)


def test_every_node_has_an_enclave_and_there_is_no_other(policy):
    assert set(policy) == {f"/{name}" for name in NODES} == {f"/{name}" for name in SUBJECTS}


def test_names_are_whole_and_nothing_is_allowed_by_pattern(policy):
    for access in policy.values():
        for verb in ("publish", "subscribe", "reply", "request", "execute", "call"):
            for name in getattr(access, verb):
                assert name.startswith("/") and not set(name) & set("*?[]~")


def test_who_may_not_what(policy):
    commanding = {name for name, access in policy.items() if "/execute_grasp" in access.call}
    assert commanding == {"/grasping"}  # one node moves the robot
    assert not policy["/trainer"].call and not policy["/trainer"].request
    assert [name for name, access in policy.items() if "/clock" in access.publish] == ["/cell"]
    # The frame of the chosen grasp, and nothing else, is added to TF.
    assert {name for name, access in policy.items() if access.publish & TF} <= {"/retarget"}
    for name, access in policy.items():
        assert all(service.startswith(f"{name}/") for service in access.reply)


def test_the_file_is_as_sros2_reads_it():
    root = ElementTree.parse(POLICY).getroot()
    assert root.tag == "policy" and root.get("version") == "0.2.0"
    assert [child.tag for child in root] == ["enclaves"]
    for enclave in root[0]:
        (profiles,) = enclave
        (profile,) = profiles
        assert (profile.get("ns"), f"/{profile.get('node')}") == ("/", enclave.get("path"))
        assert {group.tag for group in profile} <= {"topics", "services", "actions"}
        assert all(len(group) and set(group.attrib.values()) == {"ALLOW"} for group in profile)


def test_a_namespace_is_in_the_paths_and_the_names(rig):
    text = to_xml({"trainer": allowed("trainer", "/left")}, "/left")
    access = from_xml(text)["/left/trainer"]
    assert "/left/trainer/status" in access.publish and "/left/trainer/pause" in access.reply
    assert access != Access()
