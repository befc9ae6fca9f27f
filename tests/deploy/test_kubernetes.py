# SPDX-License-Identifier: Apache-2.0
"""Checks the manifests with Kubernetes' own schemas, and what the schemas cannot check."""

import copy
import os
import pathlib
import subprocess
import venv

import pytest
import yaml

CHECKER = "kubernetes-validate==1.37.0"  # Contains the schemas of all Kubernetes versions.
VERSIONS = ("1.30", "1.37")
FILES = ("daemonset.yaml", "deployment.yaml", "sidecar.yaml", "coredns-configmap.yaml")


@pytest.fixture(scope="session")
def checker():
    """Installs the program kubernetes-validate once and keeps it."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache"))
    directory = cache / "dotcache" / CHECKER.replace("==", "-")
    program = directory / "bin" / "kubernetes-validate"
    if not program.exists():
        try:
            venv.create(directory, with_pip=True, clear=True)
            subprocess.run([directory / "bin/pip", "install", "--quiet", CHECKER], check=True,
                           stdin=subprocess.DEVNULL, timeout=240)
        except (subprocess.SubprocessError, OSError) as error:
            pytest.exit(f"{CHECKER} cannot be installed: {error}", returncode=77)
    return program


@pytest.fixture(scope="session")
def manifests(source):
    return source / "deploy" / "kubernetes"


def validate(checker, version, *files):
    made = subprocess.run([checker, "--strict", "-k", version, *files], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, check=False)
    return made.returncode, made.stdout + made.stderr


def documents(manifests, file):
    return list(yaml.safe_load_all((manifests / file).read_text(encoding="utf-8")))


def pod_templates(manifests):
    """Returns (file, pod specification) of every manifest that makes pods."""
    for file in FILES:
        for document in documents(manifests, file):
            if document["kind"] == "Pod":
                yield file, document["spec"]
            elif "template" in document.get("spec", {}):
                yield file, document["spec"]["template"]["spec"]


def containers(pod):
    return pod.get("initContainers", []) + pod["containers"]


def our_containers(pod):
    return [container for container in containers(pod) if container["name"] == "dotcache"]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_manifest_matches_the_schemas(checker, manifests, version):
    code, output = validate(checker, version, *(manifests / file for file in FILES))
    assert code == 0, output


@pytest.mark.parametrize("path", [
    ("spec", "updateStrategi"),
    ("spec", "template", "spec", "hostNetwrok"),
    ("spec", "template", "spec", "containers", 0, "readinessprobe"),
    ("spec", "template", "spec", "containers", 0, "securityContext", "capabilities", "dropp")])
def test_a_misspelt_field_does_not_match_the_schemas(checker, manifests, tmp_path, path):
    daemonset = copy.deepcopy(documents(manifests, "daemonset.yaml")[1])
    parent = daemonset
    for step in path[:-1]:
        parent = parent[step]
    parent[path[-1]] = {}
    (tmp_path / "misspelt.yaml").write_text(yaml.safe_dump(daemonset), encoding="utf-8")
    code, output = validate(checker, VERSIONS[-1], tmp_path / "misspelt.yaml")
    assert code != 0 and path[-1] in output, output


def test_every_container_is_confined(manifests):
    for file, pod in pod_templates(manifests):
        assert pod["securityContext"]["runAsNonRoot"] is True, file
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, file
        for container in containers(pod):
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False, (file, container["name"])
            assert context["readOnlyRootFilesystem"] is True, (file, container["name"])
            assert context["capabilities"]["drop"] == ["ALL"], (file, container["name"])
            assert {"requests", "limits"} <= container["resources"].keys(), (file, container["name"])
        for container in our_containers(pod):
            assert container["securityContext"]["capabilities"]["add"] == ["NET_BIND_SERVICE"], file


def test_liveness_and_readiness_differ(manifests):
    pods = [(file, pod) for file, pod in pod_templates(manifests) if our_containers(pod)]
    assert len(pods) == 3
    for file, container in ((file, each) for file, pod in pods for each in our_containers(pod)):
        alive, ready = container["livenessProbe"], container["readinessProbe"]
        if file == "daemonset.yaml":
            assert alive["exec"]["command"] == ["/usr/bin/dotcache", "ctl", "status"]
            assert ready["exec"]["command"] == ["/usr/bin/dotcache", "ctl", "ready"]
        else:
            assert alive["httpGet"]["path"] == "/health"
            assert ready["httpGet"]["path"] == "/ready"
            assert ready["httpGet"]["port"] == "metrics"


def test_two_pods_of_the_daemonset_fit_on_one_node(manifests):
    """A rollout starts the new pod first. Kubernetes does so only if no port is reserved."""
    config, daemonset = documents(manifests, "daemonset.yaml")
    assert daemonset["spec"]["updateStrategy"]["rollingUpdate"] == {"maxSurge": 1,
                                                                    "maxUnavailable": 0}
    pod = daemonset["spec"]["template"]["spec"]
    assert not any("ports" in container for container in containers(pod))
    settings = yaml.safe_load(config["data"]["dotcache.yaml"])
    assert settings["reuse-port"] is True
    # The socket is in a volume of the pod.
    container = our_containers(pod)[0]
    mounts = {each["mountPath"]: each["name"] for each in container["volumeMounts"]}
    volume = mounts[os.path.dirname(settings["control"])]
    assert next(each for each in pod["volumes"] if each["name"] == volume)["emptyDir"]
    # The stop: the lame duck, the queries that wait, and the rest.
    lame_duck = int(settings["lame-duck"].removesuffix("s"))
    assert pod["terminationGracePeriodSeconds"] >= lame_duck + 5


def test_dotcache_accepts_every_configuration(manifests, binary, tmp_path):
    """`dotcache check` also checks addresses, so addresses that this machine lacks are replaced by
    loopback.
    """
    for file in ("daemonset.yaml", "deployment.yaml"):
        config = documents(manifests, file)[0]["data"]["dotcache.yaml"]
        path = tmp_path / file
        config = config.replace("/run/dotcache/control.sock", f"{tmp_path}/control.sock")
        path.write_text(config.replace("169.254.20.10:53", "127.0.0.1:0")
                        .replace("0.0.0.0:53", "127.0.0.1:0")
                        .replace("0.0.0.0:9153", "127.0.0.1:0"), encoding="utf-8")
        made = subprocess.run([binary, "check", "--config", path, "--admin", "off"],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        assert made.returncode == 0, made.stderr


def test_dotcache_accepts_the_sidecars_environment(manifests, binary):
    pod = documents(manifests, "sidecar.yaml")[0]["spec"]
    settings = {entry["name"]: entry["value"] for entry in our_containers(pod)[0]["env"]}
    settings.update(DOTCACHE_LISTEN="127.0.0.1:0", DOTCACHE_ADMIN="off")
    made = subprocess.run([binary, "check"], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=False, env=dict(os.environ, **settings))
    assert made.returncode == 0, made.stderr


def test_the_services_and_budgets_select_the_pods(manifests):
    kinds = {document["kind"]: document for document in documents(manifests, "deployment.yaml")}
    labels = kinds["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert kinds["Service"]["spec"]["selector"].items() <= labels.items()
    assert kinds["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"].items() <= labels.items()
    ports = {port["name"]: port["protocol"] for port in
             our_containers(kinds["Deployment"]["spec"]["template"]["spec"])[0]["ports"]}
    assert {(port["targetPort"], port["protocol"]) for port in kinds["Service"]["spec"]["ports"]} == {
        ("dns", "UDP"), ("dns-tcp", "TCP")}
    assert ports["dns"] == "UDP" and ports["dns-tcp"] == "TCP"
