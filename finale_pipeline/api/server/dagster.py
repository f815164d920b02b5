"""Dagster, asked over GraphQL as its own UI asks it: start a run, see and switch schedules."""

from collections.abc import Mapping
from typing import Any

import httpx
from pydantic import SecretStr

from finale_pipeline.api.server.problems import Problem, later

SECONDS = 10.0
RELOAD_SECONDS = 60.0
"""A new process imports everything."""

LAUNCH = """
mutation Launch($params: ExecutionParams!) {
  launchPipelineExecution(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
  }
}"""
SCHEDULES = """
query Schedules($repository: RepositorySelector!) {
  schedulesOrError(repositorySelector: $repository) {
    __typename
    ... on Schedules { results {
      name pipelineName cronSchedule executionTimezone description
      scheduleState { id selectorId status ticks(limit: 1) { timestamp status runIds skipReason } }
      futureTicks(limit: 1) { results { timestamp } }
    } }
  }
}"""
START = """
mutation Start($selector: ScheduleSelector!) {
  startSchedule(scheduleSelector: $selector) { __typename }
}"""
STOP = """
mutation Stop($id: String!) { stopRunningSchedule(id: $id) { __typename } }"""
RELOAD = """
mutation Reload($location: String!) {
  reloadRepositoryLocation(repositoryLocationName: $location) {
    __typename
    ... on WorkspaceLocationEntry { locationOrLoadError { __typename } }
  }
}"""


class Dagster:
    """Dagster's webserver.

    Args:
        url: Its address, without a slash at the end.
        location: Name of our code location there.
    """

    def __init__(self, url: str, token: SecretStr | None = None, *, location: str) -> None:
        self.url = url
        self._ours = {"repositoryLocationName": location, "repositoryName": "__repository__"}
        headers = {"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}
        self._http = httpx.Client(timeout=SECONDS, trust_env=False, headers=headers)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def launch(self, job: str, tags: Mapping[str, str]) -> str:
        """Start a run and return Dagster's id of it.

        Raises:
            Problem: 503: Dagster does not answer, or does not know the job.
        """
        pairs = [{"key": key, "value": value} for key, value in tags.items()]
        params = {
            "selector": {**self._ours, "pipelineName": job},
            "runConfigData": {},
            "mode": "default",
            "executionMetadata": {"tags": pairs},
        }
        answer = self._ask(LAUNCH, {"params": params})["launchPipelineExecution"]
        return str(_expect(answer, "LaunchRunSuccess")["run"]["runId"])

    def schedules(self) -> list[dict[str, Any]]:
        """Return the schedules as Dagster's GraphQL shows them."""
        answer = self._ask(SCHEDULES, {"repository": self._ours})["schedulesOrError"]
        results: list[dict[str, Any]] = _expect(answer, "Schedules")["results"]
        return results

    def reload(self) -> None:
        """Have the code loaded anew, with the settings as they are now; runs go on meanwhile.

        Raises:
            Problem: 503: Dagster does not answer, or the code could not be loaded.
        """
        answer = self._ask(
            RELOAD, {"location": self._ours["repositoryLocationName"]}, RELOAD_SECONDS
        )
        entry = _expect(answer["reloadRepositoryLocation"], "WorkspaceLocationEntry")
        _expect(entry["locationOrLoadError"], "RepositoryLocation")

    def switch(self, schedule: Mapping[str, Any], *, on: bool) -> None:
        """Turn a schedule on or off."""
        if on:
            selector = {**self._ours, "scheduleName": schedule["name"]}
            answer = self._ask(START, {"selector": selector})["startSchedule"]
        else:
            state = schedule["scheduleState"]
            answer = self._ask(STOP, {"id": state["id"]})["stopRunningSchedule"]
        _expect(answer, "ScheduleStateResult")

    def _ask(
        self, query: str, variables: Mapping[str, Any], seconds: float = SECONDS
    ) -> dict[str, Any]:
        try:
            question = {"query": query, "variables": variables}
            answer = self._http.post(f"{self.url}/graphql", json=question, timeout=seconds)
            answer.raise_for_status()
            data: dict[str, Any] | None = answer.json().get("data")
        except (httpx.HTTPError, ValueError) as error:
            raise _unavailable("Dagster does not answer.") from error
        if not data:
            raise _unavailable("Dagster refused the question.")
        return data


def _expect(answer: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    if answer["__typename"] != kind:
        raise _unavailable(f"Dagster could not do it ({answer['__typename']}).")
    return answer


def _unavailable(what: str) -> Problem:
    text = f"{what} Nothing was changed. Is `finale dev` running?"
    return later(text, code="dagster_unavailable")
