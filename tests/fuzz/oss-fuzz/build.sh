#!/bin/bash -eu
# SPDX-License-Identifier: Apache-2.0
# Builds the fuzz targets into $OUT, as OSS-Fuzz calls it: CC, CXX, CFLAGS, CXXFLAGS,
# LIB_FUZZING_ENGINE, SRC, OUT and WORK are set. build-here tries it without OSS-Fuzz.

# The C++ libraries are packages of the distribution, which are built with libstdc++.
export CXXFLAGS="${CXXFLAGS//-stdlib=libc++/}"

# The machine that runs the targets has no packages, so $OUT/lib gets the libraries. The old kind of
# run path is also used for the libraries of a library.
#
# Optimisation and sanitizers come with CXXFLAGS. LIB_FUZZING_ENGINE is a flag or an archive.
cmake -S "$SRC/dotcache" -B "$WORK/dotcache" -G Ninja \
  -DCMAKE_BUILD_TYPE=None -DCMAKE_C_COMPILER="$CC" -DCMAKE_CXX_COMPILER="$CXX" \
  -DCMAKE_CXX_FLAGS="$CXXFLAGS" \
  -DCMAKE_BUILD_RPATH="\$ORIGIN/lib" -DCMAKE_EXE_LINKER_FLAGS=-Wl,--disable-new-dtags \
  -DDOTCACHE_TESTS=OFF -DDOTCACHE_PCH=OFF -DDOTCACHE_FUZZ=ON \
  -DDOTCACHE_FUZZ_ENGINE="$LIB_FUZZING_ENGINE"
cmake --build "$WORK/dotcache" --target fuzz_targets

mkdir -p "$OUT/lib"
for program in "$WORK"/dotcache/tests/fuzz/*_fuzz; do
  name=$(basename "$program")
  cp "$program" "$SRC/dotcache/tests/fuzz/$name.options" "$OUT/"
  (cd "$SRC/dotcache/tests/fuzz/corpus/${name%_fuzz}" &&
    rm -f "$OUT/${name}_seed_corpus.zip" && zip -q -r "$OUT/${name}_seed_corpus.zip" .)
  ldd "$program" | awk '$3 ~ "^/" {print $3}' |
    grep -Ev '/(libc|libm|libdl|librt|libpthread|libresolv)\.so' |
    while read -r library; do cp -Lu "$library" "$OUT/lib/"; done
done
