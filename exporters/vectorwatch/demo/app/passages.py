"""The passages that the service searches, made of the subjects, and questions that they answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .subjects import SUBJECTS, Subject

_FACETS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("meaning", "What {name} is, a definition. {meaning}",
     ("What is {name}?", "Explain {name} to me", "{name} definition")),
    ("symptom", "Symptoms: how users notice trouble with {name}. {symptom}",
     ("How do I notice trouble with {name}?", "What are symptoms of {name}?", "{name} symptoms users see")),
    ("measure", "How to measure {name}: the metric to watch. {measure}",
     ("How do I measure {name}?", "Which metric shows {name}?", "{name} metric to watch and record")),
    ("cause", "Why {name} gets worse: the usual causes. {cause}",
     ("Why does {name} get worse?", "What are causes of trouble with {name}?", "{name} usual causes")),
    ("remedy", "How to fix {name}: the remedy that mends it. {remedy}",
     ("How do I fix {name}?", "How can {name} be mended?", "{name} remedy")),
    ("introduction", "An introduction to {name} for beginners: {meaning} {cause}",
     ("Give beginners an introduction to {name}", "introduction {name} beginners")),
    ("on call", "On call, a page about {name}: {symptom} First {measure_lower} Then {remedy_lower}",
     ("I am on call and paged about {name}, what first?", "on call page {name}")),
    ("dashboard", "A dashboard panel for {name}: {measure} It turns red when {symptom_lower}",
     ("What belongs on a dashboard panel for {name}?", "dashboard panel {name} red")),
    ("review", "From a review after an incident with {name}: {cause} What we changed: {remedy}",
     ("What did the incident review about {name} change?", "incident review {name}")),
    ("capacity", "Planning capacity with {name} in mind: {meaning} {measure} Do it each quarter.",
     ("How do I plan capacity for {name}?", "capacity planning growth {name}")),
)  # fmt: skip


@dataclass(frozen=True)
class Passage:
    """A text with what it is about; `number` is its point in Qdrant."""

    number: int
    subject: str
    facet: str
    text: str

    @property
    def payload(self) -> dict[str, str | int]:
        """Return what is stored beside the vector."""
        return {
            "subject": self.subject,
            "facet": self.facet,
            "text": self.text,
            "words": len(self.text.split()),
        }


@dataclass(frozen=True)
class Exercise:
    """A question and the number of the passage that answers it."""

    question: str
    passage: int


def make_passages() -> list[Passage]:
    """Return all passages, always the same."""
    return [
        Passage(number, subject.name, facet, template.format(**_parts(subject)))
        for number, (subject, (facet, template, _)) in enumerate(_pairs(), start=1)
    ]


def make_exercises() -> list[Exercise]:
    """Return all questions that a passage answers, always the same."""
    return [
        Exercise(question.format(name=subject.name), number)
        for number, (subject, (_, _, questions)) in enumerate(_pairs(), start=1)
        for question in questions
    ]


def find_subject(question: str) -> str:
    """Return the subject that `question` names, or an empty text."""
    asked = question.lower()
    return next((subject.name for subject in SUBJECTS if subject.name in asked), "")


def describe_subject(name: str) -> str:
    """Return in one sentence what the subject is, or an empty text."""
    return next((subject.meaning for subject in SUBJECTS if subject.name == name), "")


def _pairs() -> Iterator[tuple[Subject, tuple[str, str, tuple[str, ...]]]]:
    return ((subject, facet) for subject in SUBJECTS for facet in _FACETS)


def _parts(subject: Subject) -> dict[str, str]:
    whole = vars(subject)
    lower = {f"{name}_lower": text[0].lower() + text[1:] for name, text in whole.items()}
    return {**whole, **lower}
