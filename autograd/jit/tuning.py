"""Tuning: the constants that decide which code is written and how it runs, each with its measurement.

Code reads them as `tuning.NAME`, so that a test or a measurement changes each in one place. They do not change
what a program computes. The one exception is CHUNK: it decides the order in which a batch is added up, and so
the last bits of sums.

How they were measured: on two cores of an x86-64 (AMD EPYC, Zen 4) that other work shared, in processor time, as
the best of 25 alternating runs. Vectors hold 8 doubles (AVX-512) or, where AVX2 is named, 4. A percentage says
how much longer a run takes with another value than with this one. Networks have tanh or ReLU and one output, and
a run computes loss and gradient of a batch: "2-16-16-1" gives the sizes, "of 100" the batch.
"""

from __future__ import annotations

# Straight-line code or tables. The figures of this section are processor time on the same machine with AVX-512, under
# heavy load.

# Batched sections that read more operands become tables. The gradient of 1,666 steps of the logistic map, 38,000
# operands, compiles in 1.3 to 1.6 s as straight-line code and in 0.2 as tables, and runs in 94 and 197 µs for a batch
# of 64.
STRAIGHT_BATCHED = 45_000
# So do those whose long dots read more, because tables are good at networks: loss and gradient of 50 dots of 50
# products compile in 1.2 and 0.1 s and run in 38 and 32 µs; a network of 10,000 weights takes twice as long to compile.
STRAIGHT_DOTS = 6_000
# Shared sections that read more operands become tables. The gradient of 2,860 steps of the logistic map, 60,000
# operands, takes 2.1 s to compile. Tables take about four times as long to run.
STRAIGHT_SHARED = 60_000
# Bounds for one function of straight-line code: its operands, and these times the sum of its stores and of its longest
# chain of operations, because LLVM's schedulers and its selection of instructions are quadratic in both. Gradients of
# the logistic map, 400 and 1,000 steps, take 1.1 and 5.6 s without the second bound, 0.3 and 0.8 with it; half and
# double differ by less than 10 %. Runs take up to 3 % longer, but 2 to 7 % for single sums over 32 to 63 inputs.
FUNCTION_OPERANDS, FUNCTION_COST = 6000, 200_000
# A number that is read more than so many nodes later counts as a store, since another function will read it. Chosen.
FAR = 300
# Nodes with more operands, such as sums, are loops over them or, where they do not lie side by side, several functions.
# A logsumexp of 5,000 numbers compiles in 0.1 s as a loop and in 4.5 as functions, and runs in 50 and 77 µs. As
# functions, the gradient of a dot of 5,000 products takes 1.9 s to compile, with double 2.1 and with four times as many
# 2.7; runs take the same time.
LONG = 250
# Blocks of sums in one function. Four times as many compile up to 30 % slower; a quarter, and all runs, differ by less
# than 7 %.
FUNCTION_BLOCKS = 50

# Paths through the body of a loop, and decisions on one of them. All of them are computed in each step. Chosen.
BODY_PATHS = 64

# Vectors of one node that are computed together.

# (operands, vectors): straight-line code that reads at most so many operands computes so many vectors together, so
# that one hides the latency of another. For networks of 100 to 230 operands and a batch of 1,024, 2 instead of 4 take
# 5 to 11 % longer (AVX2 14 to 17 %), and 8 take 12 to 17 % (AVX2 8 to 18 %). Up to 2,400 operands 4 are still 10 to
# 19 % faster than this choice. But a batch of 100 is then padded to 128 elements: for 2-16-16-1, 2 take 20 % longer
# than 1 and 4 take 67 %, and LLVM takes 2 and 5 times as long.
TOGETHER = ((300, 4), (1000, 2))
# Tables compute at most so many vectors together. 8 and 32 differ by at most 1 %, but for one network with AVX2,
# for which 8 are 20 % faster.
TABLE_VECTORS = 16
# And no more than keep the numbers of all nodes within so many doubles, which is 2 MB. For 30-50-50-1 of 2,000 half is
# 12 % faster and double 25 % slower (AVX2: 16 % faster, 2 % faster). For 30-100-100-1 half is 21 % slower and double
# 2 % faster (AVX2: 11 % slower, 12 % slower).
CACHE = 262_144
# Dots in a block of a table, which load their common inputs once. For the same two networks 2 take 0 and 7 % longer
# (AVX2 6 and 6 %), 8 take 8 % longer and 3 % shorter (AVX2 13 and 9 %).
TABLE_ROWS = 4
# Vectors of each dot of a block that are computed together, by the doubles in a vector. The totals, rows times
# vectors, have to fit the registers: 16 with AVX2, 32 with AVX-512. For the same two networks double takes 24 % longer
# and 3 % shorter (AVX2 10 and 17 % longer), half 0 % and 3 % shorter (AVX2 0 and 2 % longer).
TABLE_COLUMNS = {1: 4, 2: 4, 4: 2, 8: 4}
# A dot of more operands that lie side by side has an entry in its table for each sequence, and not for each operand.
# For dots of 4 pairs of factors, 9 operands, that is 11 % faster, for 8 to 16 pairs 18 to 20 % (AVX2 14 and 21 to
# 25 %).
ROW_LENGTH = 8

# Loops.

# A running loop lets Python have a moment after so many operations on a vector, so that Ctrl-C is heard. A moment takes
# 2 µs, and so many operations 2 to 50 ms. Chosen.
FUEL = 10_000_000
# Loops of no more operations need no such moment. Chosen.
UNWATCHED = 10_000
# Operations that a function such as exp counts as.
FUNCTION_OPERATIONS = 8
# Steps of a loop, as an estimate, where the number is not known. Chosen.
STEPS_GUESSED = 32
# Rows of at most so many numbers have a fixed place; others have memory that grows. Chosen.
FEW_ROWS = 256
# What a step of a loop over single numbers computes without its carries is computed for several steps at once if it is
# more than so many operations, and so many more for each number that the rest of the step reads.
AHEAD, PASSED = 8, 2
# So many results that are numbers of a stack, side by side, are copied by a loop. Chosen.
STRETCH = 8
# In a graph with loops, so many equal operations in a row become a loop, which has no more than so many operations, and
# finding out whether they can may visit each node of the graph so often. Sums over 1,000 numbers (y_k - x_k)**2, y of a
# scan, compile with their gradient in 0.1 s and not in 1.1. Chosen.
ROLL, ROLL_VISITS = 64, 20
# A dot of such rows and other products is split into so many dots, so that loops may read the rows. Chosen.
DOT_PARTS = 8
# The most bytes that the rows of one loop may take, for each thread. Chosen.
MOST_ROWS = 1 << 31

# Sums over the batch.

# Tiles whose factors are kept before they are multiplied and added up together; a power of two. For 2-16-16-1 of 100
# and of 2,000 and 8-24-24-1 of 2,000, half takes 1 to 3 % longer (AVX2 4 to 6 %), double the same (AVX2 0 to 4 %
# less), a quarter 7 to 13 % longer (AVX2 12 to 23 %). For the last one 64 take 28 % less (AVX2 3 %), for the others
# up to 3 % more.
STRIP = 16
# Rows of a block of products, which has a column for each double of a vector. For the same networks 1 takes 4 to 5 %
# longer and 4 take 6 to 15 % (AVX2 0 to 4 and 5 to 7 %).
BLOCK_ROWS = 2
# Tiles that are added up on their own; a multiple of STRIP. Threads take whole chunks, and the sums of the chunks are
# added in order, so that the number of threads does not matter. Chosen, not measured.
CHUNK = 4 * STRIP

# Memory and threads of a call.

# Straight-line code reads leaves of at most so many numbers in place, and writes leaves of at most so many; wider
# ones are transposed first. In a program that does little else, reading leaves of 1 to 12 numbers in place is 7 to
# 33 % faster. But the code grows by a load for each lane, so the bound is low. Writing leaves of 1 is 3 % faster
# (AVX2 14 %).
DIRECT_IN, DIRECT_OUT = 4, 1
# And writes no leaves in place if there are more leaves, since results that are constants or copies would need code.
# Chosen, not measured.
DIRECT_LEAVES = 64
# Batched arguments of more doubles are read in place and not copied. Half this size takes 24 % longer in place (5.4 µs
# copied), this size 7 %; double takes 5 % less, four times 19 %.
LARGE = 8192
# Batched results of more doubles are computed into new arrays and not copied from the workspace. Half this size takes
# 40 % longer in new arrays (7.7 µs copied), this size 13 %; double takes 10 % less.
FRESH = 16_384
# Batches that read more operands, counted once for each vector, use all cores. A million operands take 0.4 ms in
# sums and products and 3 ms in sines. Handing chunks to threads took 0.05 ms in an earlier measurement, which needs
# cores that are free and was not repeated.
THREADS_PAY = 1_000_000
# Workspaces that a runner keeps for its next calls, so that so many threads may call it at a time without making
# new ones. One for 2-16-16-1 of 100 takes 60 µs to make, where a run takes 5.
KEPT = 4
# Shapes and batch sizes for which a program keeps memory; the oldest is dropped. It bounds memory, not time.
SIZES = 64
# Machine code that is kept for the next program with the same IR, such as a model of the same shape. It bounds memory.
RECENT = 16

# Paths of functions that decide by their numbers.

# A function may take so many paths for arguments of one structure, and so many decisions on each. Chosen.
PATHS, DECISIONS = 1000, 100_000
# The paths may have so many operations in all, but in any case there may be so many paths. A path of 7,500 operations
# in tables takes 0.25 s to trace and compile, and 1.3 MB.
PATH_OPERATIONS, PATHS_ANYWAY = 500_000, 64
# A path of more decisions becomes tables, since a function of many decisions takes many paths.
STRAIGHT_DECISIONS = 30
# Memory for groups of elements that take one path is kept for groups of at most so many elements, and for so many
# sizes. It bounds memory, not time.
SMALL_GROUP, GROUP_SIZES = 1024, 16
