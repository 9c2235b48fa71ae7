"""Tuning: every constant that trades time for time or for memory, what it decides, and how it was measured.

Code reads them as `tuning.NAME`, so that a test or a measurement changes one in one place. None changes
what a program computes, except that CHUNK decides the order of sums over the batch, and so their last bits.

Measurements are the best of 25 alternating runs, in processor time, on two cores of an x86-64 (AMD EPYC,
Zen 4), with vectors of 8 doubles (AVX-512) and, where AVX2 is named, with code for vectors of 4. "Half"
and "double" are the times with half and with double the constant. The networks are MLPs with tanh, trained
on the squared error of one output; "2-16-16-1" gives their sizes.
"""

from __future__ import annotations

# Straight-line code or tables (codegen/straight_line.py, codegen/tables.py).

# Sections that read more operands become tables. The batched section of a network with 11,000 operands compiled
# in 0.77 s as straight-line code and in 0.10 s as tables, and ran in 460 and 750 µs for 1,000 examples: 2,300 calls
# pay for the compilation. With 26,000 operands it was 2.2 s against 0.12 s, and 6,000 calls.
STRAIGHT_BATCHED = 12_000
# The shared section is computed once in a call, so tables lose more: 2.8 µs against 1.0 for the gradient of
# Rosenbrock's function in 300 dimensions. But they compile in 0.03 s and not in 1.2.
STRAIGHT_SHARED = 60_000
# Operands in one function of straight-line code. A quarter to four times as many changed the time of compiling and
# the time of running a network of 10,600 operands by less than a tenth.
FUNCTION_OPERANDS = 6000
# Blocks of sums in one function; the same holds for it.
FUNCTION_BLOCKS = 200

# Vectors computed together.

# (operands, vectors): straight-line code with no more operands computes so many vectors of a node in turn, which
# hides the latency of each. @@TOGETHER@@
TOGETHER = ((300, 4), (1000, 2))
# Tables compute up to so many vectors of a node in turn. 8 and 32 took the same time, within 1 %.
TABLE_VECTORS = 16
# But only as many as keep all nodes within so many doubles: two megabytes, which is more than the second-level cache
# of one core. @@CACHE@@
CACHE = 262_144
# A block of dots in a table has so many rows, which share the inputs that they load. @@TABLE_ROWS@@
TABLE_ROWS = 4
# And so many vectors of each row, by the doubles in a vector: rows times vectors is the number of totals, which must
# fit the registers (16 with AVX2, 32 with AVX-512). @@TABLE_COLUMNS@@
TABLE_COLUMNS = {1: 4, 2: 4, 4: 2, 8: 4}
# Dots of more factors and a bias, side by side in memory, are one row of a table with three entries, where the others
# have an entry for each operand. @@ROW_LENGTH@@
ROW_LENGTH = 8

# Sums over the batch (codegen/batch_sums.py, codegen/batch_loop.py).

# Tiles whose factors are kept, to be multiplied and added up together. A power of two. @@STRIP@@
STRIP = 16
# Rows in a block of products; it has a column for each double of a vector. @@BLOCK_ROWS@@
BLOCK_ROWS = 2
# Tiles that are summed on their own. Threads take whole chunks, and the chunks are added in their order, so the number
# of threads does not change the result. A multiple of STRIP. Not measured lately: two threads need two free cores.
CHUNK = 4 * STRIP

# Memory of a call (runtime/).

# Straight-line code reads rows of leaves of at most so many numbers, and writes rows of at most so many, where they
# lie; wider ones are transposed first. @@DIRECT@@
DIRECT_IN, DIRECT_OUT = 4, 1
# Batched arguments of more doubles are read where the caller has them, and not copied. @@LARGE@@
LARGE = 8192
# Results of more doubles are computed into new arrays, and not copied into them. @@FRESH@@
FRESH = 8192
# Batches that read more operands, counted by the vector, are computed on all cores. @@THREADS@@
THREADS_PAY = 1_000_000
# Workspaces that wait for the next call of a runner: so many threads can call it at a time without making a new one,
# which takes 60 µs for a batch of 100 of the network 2-16-16-1.
KEPT = 4
# Combinations of shapes and batch sizes for which a program keeps memory; the oldest is dropped. Bounds memory, not time.
SIZES = 64
# Machine code kept for the next program with the same IR, such as a model of the same shape. Bounds memory, too.
RECENT = 16
