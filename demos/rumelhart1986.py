"""The paper that made backpropagation known, run again: mirror symmetry and the two family trees.

D. Rumelhart, G. Hinton, R. Williams, Learning representations by back-propagating errors, Nature 323 (1986)
533-536. Run `python demos/rumelhart1986.py` for one network of each kind and pictures like the paper's figures,
or add `--seeds 20` for the table that the numbers below are from.

What the paper says, and what is done here:
- Units are logistic. E is half the sum of squared errors over all outputs and all cases. Weights change once in each
  sweep through all cases, by Δw(t) = -ε ∂E/∂w(t) + α Δw(t-1).
- Symmetry: 6-2-1 units, ε = 0.1, α = 0.9, weights start evenly between -0.3 and 0.3. Here biases do so too, because
  the paper treats them as weights.
- Families: 24 + 12 units in, then 6 + 6, 12, 6, and 24 out; 100 of the 104 triples are learned in 1,500 sweeps, the
  first 20 with ε = 0.005, α = 0.5, the others with ε = 0.01, α = 0.9; after each change every weight loses 0.2 %; an
  output that should be 1 is not an error above 0.8, nor one that should be 0 below 0.2. The paper does not say how
  these weights start.
- Here a triple counts as right if the right people's outputs are above a half and all others below. Each seed draws
  four other triples to hold out.

Where the result matches the paper, in 20 seeds:
- As printed, 18 symmetry networks answer all 64 patterns, and each has the mirrored weights that the paper describes:
  16 in the ratios 1:2:4. They need a median of 2,388 sweeps, from 775 to 16,350; the paper's needed 1,425.
- The units for people find features that are not in the inputs. The weights of the best of the six have a median
  correlation of 0.89 with nationality, 0.83 with generation and 0.63 with the branch of the family; in networks that
  learn nothing it is 0.35, 0.44 and 0.29.

Where it differs:
- Two of the 20 symmetry networks end up calling every pattern asymmetric (56 of 64 right). With biases that start
  at 0 all 20 learn.
- Two networks have the ratios 2:3:4, which the paper does not mention. They work as well: whichever weights of one
  side are added or subtracted, the sum is at least a quarter of the largest, as with 1:2:4.
- As printed, with first weights within 0.3, no family network learns a single triple. A solution would not even last:
  networks that have learned keep only 57 of the 100 triples if they go on as printed (the table's last row), because
  a decay of 0.2 % is too strong for an ε of 0.01. Here ε is ten times as large, 0.05 and then 0.1, and the weights
  start between -1 and 1; the table shows that both are needed. The values were chosen to get the 100 learned triples
  right, without regard to those held out.
- Errors are measured from the marks 0.8 and 0.2, not from 1 and 0. The paper's sentence can be read either way; read
  the other way, 57 of the 100 triples are learned.
- With these settings 17 of 20 networks learn all 100 triples, and the 20 answer 44 of the 80 held out; 2 of the 20
  answer all four. In 49 of the 80 the right people come first, though not always above a half. The paper's network
  answered its four. With such a large ε, training magnifies the last bit of a sum, so counts for the families may
  differ by a few on another machine.

The networks drawn by default, with seeds 3 and 7, were selected because they come out as the paper's did. The table
uses all seeds.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from rumelhart import families, pictures, symmetry


def show_symmetry(seed, most, folder):
    """One symmetry network: learn, report, draw."""
    model = symmetry.draw_network(seed)
    sweeps = symmetry.train(model, most)
    learned = f"after {sweeps:,} sweeps" if sweeps else f"not learned in {most:,} sweeps"
    facts = f"{symmetry.count_right(model)} of 64 patterns right, {learned}"
    print(f"symmetry, seed {seed}: {facts}; weights in the pattern {symmetry.pattern(model)}")
    pictures.draw_symmetry(model, f"Mirror symmetry: {facts}", folder / "rumelhart_symmetry.png")


def show_families(seed, settings, folder):
    """One family network: learn 100 triples, answer the 4 held out, draw."""
    learned, held_out = families.split(seed)
    model = families.start(settings, seed)
    errors = families.train(model, settings, learned)
    known = families.knows(model)
    print(f"families, seed {seed}: E from {errors[0]:.1f} to {errors[-1]:.2f} in {len(errors):,} sweeps")
    print(f"  {known[learned].sum()} of the 100 learned triples right, {known[held_out].sum()} of the 4 held out:")
    for k in held_out:
        person, relation, them = families.TRIPLES[k]
        print(f"    {person}'s {relation}: {', '.join(sorted(them))}: {'right' if known[k] else 'wrong'}")
    for name, (unit, correlation) in families.features(model).items():
        print(
            f"  {name} is encoded best by unit {unit + 1}: its weights have a correlation of {correlation:.2f} with it"
        )
    pictures.draw_trees(folder / "rumelhart_trees.png")
    title = f"Weights from people to the 6 units that encode them, after {len(errors):,} sweeps"
    pictures.draw_receptive_fields(model, title, folder / "rumelhart_fields.png")


def tabulate_symmetry(seeds, most):
    """Print what symmetry networks with many seeds learn."""
    print(f"{'symmetry':38}{'all 64 right':>14}{'1:2:4':>7}{'2:3:4':>7}{'sweeps: least, median, most':>30}")
    for name, biases in (("as printed", True), ("biases start at 0", False)):
        models = [symmetry.draw_network(seed, biases) for seed in range(seeds)]
        sweeps = [symmetry.train(model, most) for model in models]
        right = sum(symmetry.count_right(model) == 64 for model in models)
        patterns = [symmetry.pattern(model) for model in models]
        needed = [n for n in sweeps if n is not None] or [0]
        spread = f"{min(needed):,}, {np.median(needed):,.0f}, {max(needed):,}"
        counts = f"{patterns.count('1:2:4'):7}{patterns.count('2:3:4'):7}"
        print(f"{name:38}{f'{right} of {seeds}':>14}{counts}{spread:>30}", flush=True)


def tabulate_families(seeds, sweeps):
    """Print what family networks with many seeds learn, with the printed settings and with ours."""
    ours, printed = replace(families.OURS, sweeps=sweeps), replace(families.PRINTED, sweeps=sweeps)
    print(
        f"\n{'families':38}{'learned':>14}{'all 100':>9}{'held out, right':>17}{'all 4':>7}{'ranked first':>14}", end=""
    )
    print(f"{'nationality, generation, branch':>33}")
    for name, stages in (
        ("as printed", [printed]),
        ("as printed, distance from 1 and 0", [replace(printed, distance=families.from_targets)]),
        ("ours", [ours]),
        ("ours, distance from 1 and 0", [replace(ours, distance=families.from_targets)]),
        ("ours, with the printed ε", [replace(ours, epsilon=printed.epsilon)]),
        ("ours, first weights within 0.3", [replace(ours, size=printed.size)]),
        ("ours, and then again as printed", [ours, printed]),
    ):
        learned, answered, ranked, correlations = [], [], [], []
        for seed in range(seeds):
            training, held_out = families.split(seed)
            model = families.start(stages[0], seed)
            for settings in stages:
                families.train(model, settings, training)
            learned.append(families.knows(model)[training].sum())
            answered.append(families.knows(model)[held_out].sum())
            ranked.append(families.ranks(model)[held_out].sum())
            correlations.append([correlation for _, correlation in families.features(model).values()])
        row = f"{name:38}{f'{np.mean(learned):.1f} of 100':>14}{np.sum(np.equal(learned, 100)):9}"
        row += f"{f'{np.sum(answered)} of {4 * seeds}':>17}{np.sum(np.equal(answered, 4)):7}{np.sum(ranked):14}"
        print(row + f"{', '.join(f'{x:.2f}' for x in np.median(correlations, axis=0)):>33}", flush=True)


def main():
    parser = argparse.ArgumentParser(description="Both experiments of Rumelhart, Hinton and Williams (1986).")
    parser.add_argument("--seeds", type=int, help="print the table for this many seeds instead (20: about two minutes)")
    parser.add_argument("--symmetry-seed", type=int, default=3, help="seed of the symmetry network (3)")
    parser.add_argument("--family-seed", type=int, default=7, help="seed of the family network (7)")
    parser.add_argument("--symmetry-sweeps", type=int, default=20_000, help="the most sweeps to take (20000)")
    parser.add_argument("--family-sweeps", type=int, default=1_500, help="the sweeps to take (1500, as in the paper)")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "output", help="folder for the pictures")
    args = parser.parse_args()
    if args.seeds:
        tabulate_symmetry(args.seeds, args.symmetry_sweeps)
        tabulate_families(args.seeds, args.family_sweeps)
    else:
        show_symmetry(args.symmetry_seed, args.symmetry_sweeps, args.output)
        show_families(args.family_seed, replace(families.OURS, sweeps=args.family_sweeps), args.output)
        print(f"the pictures are in {args.output.resolve()}")


if __name__ == "__main__":
    main()
