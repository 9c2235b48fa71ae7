"""The second experiment: a network with a narrow middle learns two family trees and answers new questions on them."""

from dataclasses import dataclass

import numpy as np

import autograd as ag
import nn

from .momentum import Momentum
from .networks import answers, draw_weights, weights

# Two families of the same shape: people at the same place in the two lists have the same place in the trees.
MEN = ["Christopher", "Andrew", "Arthur", "James", "Charles", "Colin"]
WOMEN = ["Penelope", "Christine", "Victoria", "Jennifer", "Margaret", "Charlotte"]
ITALIAN_MEN = ["Roberto", "Pierro", "Emilio", "Marco", "Tomaso", "Alfonso"]
ITALIAN_WOMEN = ["Maria", "Francesca", "Lucia", "Angela", "Gina", "Sophia"]
ENGLISH, ITALIAN = MEN + WOMEN, ITALIAN_MEN + ITALIAN_WOMEN
CHILDREN = {  # of each couple, husband first
    ("Christopher", "Penelope"): {"Arthur", "Victoria"},
    ("Andrew", "Christine"): {"James", "Jennifer"},
    ("Arthur", "Margaret"): set(),
    ("James", "Victoria"): {"Colin", "Charlotte"},
    ("Charles", "Jennifer"): set(),
}
HE = ["father", "husband", "son", "uncle", "brother", "nephew"]
SHE = ["mother", "wife", "daughter", "aunt", "sister", "niece"]
RELATIONS = [relation for pair in zip(HE, SHE) for relation in pair]

# What a unit might say about each of the 24 people.
GENERATIONS = {"Christopher": 1, "Andrew": 1, "Penelope": 1, "Christine": 1, "Colin": 3, "Charlotte": 3}
BRANCHES = {"Christopher": -1, "Penelope": -1, "Arthur": -1, "Margaret": -1, "Victoria": -1, "Colin": 0, "Charlotte": 0}
FEATURES = {
    "nationality": np.repeat([1.0, -1.0], 12),
    "generation": np.array([GENERATIONS.get(person, 2) for person in ENGLISH] * 2, dtype=float),
    "branch": np.array([BRANCHES.get(person, 1) for person in ENGLISH] * 2, dtype=float),
}


def relatives(person):
    """The relatives of one of the English: a set of people for each relation."""

    def spouses(people):
        return {b for p in people for couple in CHILDREN if p in couple for b in couple if b != p}

    def children(people):
        return {c for p in people for couple, theirs in CHILDREN.items() if p in couple for c in theirs}

    def parents(people):
        return {parent for p in people for couple, theirs in CHILDREN.items() if p in theirs for parent in couple}

    def siblings(people):
        return {s for p in people for s in children(parents({p})) if s != p}

    own = {person}
    mates = spouses(own)
    kin = [
        parents(own),
        mates,
        children(own),
        siblings(parents(own)) | spouses(siblings(parents(own))),
        siblings(own),
        children(siblings(own | mates)),
    ]
    men = {he: them.intersection(MEN) for he, them in zip(HE, kin)}
    return men | {she: them.difference(MEN) for she, them in zip(SHE, kin)}


def triples():
    """All <person, relation, people> that have an answer: 52 of each family."""
    found = []
    for person in ENGLISH:
        found += [(person, relation, them) for relation, them in relatives(person).items() if them]
    italian = dict(zip(ENGLISH, ITALIAN))
    return found + [(italian[person], relation, {italian[p] for p in them}) for person, relation, them in found]


TRIPLES = triples()
assert len(TRIPLES) == 104
PEOPLE = ENGLISH + ITALIAN
# A row for each triple: 24 units for the person and 12 for the relation, with one of each on; and 24 for the answer.
QUESTIONS = np.array([[p == a for p in PEOPLE] + [r == b for r in RELATIONS] for a, b, _ in TRIPLES], dtype=float)
TARGETS = np.array([[p in them for p in PEOPLE] for _, _, them in TRIPLES], dtype=float)


class FamilyNetwork(nn.Module):
    """24 people into 6 units, 12 relations into another 6, these into 12, 6, and again 24 people."""

    def __init__(self):
        self.person = nn.Layer(24, 6, "sigmoid")
        self.relation = nn.Layer(12, 6, "sigmoid")
        self.central = nn.Layer(12, 12, "sigmoid")
        self.penultimate = nn.Layer(12, 6, "sigmoid")
        self.answer = nn.Layer(6, 24, "sigmoid")

    def __call__(self, x):
        codes = self.person(x[:24]) + self.relation(x[24:])  # one list after the other
        return self.answer(self.penultimate(self.central(codes)))


def from_marks(y, d):
    """How far an output is from the mark that it should pass (above 0.8 or below 0.2); 0 beyond it."""
    return ag.where(d > 0.5, ag.minimum(y - 0.8, 0.0), ag.maximum(y - 0.2, 0.0))


def from_targets(y, d):
    """How far an output is from 1 or 0, but 0 beyond the mark: the other reading of the paper's sentence."""
    return ag.where(from_marks(y, d) == 0.0, 0.0, y - d)


@dataclass(frozen=True)
class Settings:
    """How a network is trained. There is one ε and one α for the first 20 sweeps, and another for the rest.

    Attributes:
        size: the weights start between -size and size.
        decay: the fraction of itself that each weight loses in a sweep.
        distance: what is squared in the error.
    """

    epsilon: tuple[float, float] = (0.05, 0.1)
    alpha: tuple[float, float] = (0.5, 0.9)
    size: float = 1.0
    decay: float = 0.002
    sweeps: int = 1500
    distance: object = from_marks


OURS = Settings()
PRINTED = Settings(epsilon=(0.005, 0.01), size=0.3)


def split(seed):
    """The indices of 100 triples to learn and of 4 to hold out."""
    order = np.random.default_rng(seed).permutation(len(TRIPLES))
    return np.sort(order[:100]), np.sort(order[100:])


def start(settings, seed):
    """A network with its first weights."""
    model = FamilyNetwork()
    draw_weights(model, settings.size, np.random.default_rng([seed, 1]))  # other numbers than those that split() draws
    return model


def train(model, settings, learned):
    """Sweep through the triples with the indices `learned`; return E, equation (3), of each sweep."""
    X, D = QUESTIONS[learned], TARGETS[learned]

    def error(ys, ds):  # a compiled step takes the mean over the triples, but E is their sum
        return len(X) * 0.5 * ag.sum([settings.distance(y, d) ** 2 for y, d in zip(ys, ds)])

    optimizer = Momentum(model.parameters(), settings.epsilon[0], settings.alpha[0], settings.decay)
    errors = []
    with nn.compile_step(model, error, optimizer) as step:
        for sweep in range(settings.sweeps):
            if sweep == 20:
                optimizer.groups[0].options.update(lr=settings.epsilon[1], momentum=settings.alpha[1])
            errors.append(step(X, D))
    return errors


def knows(model):
    """Whether each of the 104 triples is answered: the right people's units above a half, all others below."""
    return np.all((answers(model, QUESTIONS) > 0.5) == TARGETS, axis=1)


def ranks(model):
    """Whether, for each of the 104 triples, the right people's units are above all others, even if only just."""
    y = answers(model, QUESTIONS)
    return np.where(TARGETS, y, 1.0).min(axis=1) > np.where(TARGETS, 0.0, y).max(axis=1)


def features(model):
    """For each feature, the unit for people that encodes it best, and the correlation of its weights with it."""
    w = weights(model.person)
    found = {}
    for name, feature in FEATURES.items():
        correlations = [np.corrcoef(row, feature)[0, 1] for row in w]
        unit = int(np.argmax(np.abs(correlations)))
        found[name] = unit, float(abs(correlations[unit]))
    return found
