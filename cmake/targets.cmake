# SPDX-License-Identifier: Apache-2.0
# Functions that make one target per folder.

set(DOTCACHE_PCH_HEADERS
    <array> <chrono> <cstdint> <functional> <memory> <optional> <string> <utility>
    <variant> <vector> <absl/container/flat_hash_map.h> <absl/container/inlined_vector.h>
    <absl/functional/any_invocable.h> <absl/status/statusor.h> <absl/strings/str_cat.h>
    <absl/types/span.h>)

# clang's precompiled header has the paths of the build, so its octets differ from clone to clone.
# ccache reads the digest of its contents from a file beside it instead: the compiler and the
# headers, which come from packages. Without dpkg there is no such file, and ccache reads the octets.
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  set(CMAKE_CXX_COMPILE_OPTIONS_USE_PCH -include-pch <PCH_FILE>)  # Paths that ccache understands.
  execute_process(COMMAND dpkg-query -W -f "\${Package} \${Version}\n" clang* lib*-dev *-cpp-dev
                  OUTPUT_VARIABLE packages ERROR_QUIET)
endif()
function(dotcache_digest_of_pch target)
  if(packages)
    get_target_property(headers ${target} PRECOMPILE_HEADERS)
    string(SHA256 digest "${headers} ${packages}")
    file(CONFIGURE CONTENT "${digest}" @ONLY OUTPUT
         ${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/${target}.dir/cmake_pch.hxx.pch.sum)
  endif()
endfunction()

# A precompiled header compiles in one second what costs each source three; one is shared by all
# targets that are compiled with the same options.
function(dotcache_use_pch target)
  if(NOT DOTCACHE_PCH)
    return()
  endif()
  if(NOT TARGET dotcache_pch)
    file(WRITE ${CMAKE_BINARY_DIR}/pch.cc "")
    add_library(dotcache_pch OBJECT ${CMAKE_BINARY_DIR}/pch.cc)
    target_link_libraries(dotcache_pch PRIVATE absl::flat_hash_map absl::statusor)
    target_precompile_headers(dotcache_pch PRIVATE ${DOTCACHE_PCH_HEADERS})
    dotcache_digest_of_pch(dotcache_pch)
  endif()
  target_precompile_headers(${target} REUSE_FROM dotcache_pch)
endfunction()

# The same with GoogleTest, for test programs.
function(dotcache_use_test_pch target)
  if(NOT DOTCACHE_PCH)
    return()
  endif()
  if(NOT TARGET dotcache_test_pch)
    add_library(dotcache_test_pch OBJECT ${CMAKE_BINARY_DIR}/pch.cc)
    target_link_libraries(dotcache_test_pch PRIVATE absl::flat_hash_map absl::statusor GTest::gmock)
    target_precompile_headers(dotcache_test_pch PRIVATE ${DOTCACHE_PCH_HEADERS} <gmock/gmock.h>
                              <gtest/gtest.h>)
    dotcache_digest_of_pch(dotcache_test_pch)
  endif()
  target_precompile_headers(${target} REUSE_FROM dotcache_test_pch)
endfunction()

# dotcache_library(FOLDER DEPENDENCY...): all sources of FOLDER as the static library
# dotcache_FOLDER, where each '/' becomes '_'. cmd/dotcache.cc holds main() and stays out.
function(dotcache_library folder)
  string(REPLACE "/" "_" library dotcache_${folder})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*.cc)
  list(FILTER sources EXCLUDE REGEX "cmd/dotcache\\.cc$")
  if(NOT sources)
    set(sources ${CMAKE_BINARY_DIR}/pch.cc)
  endif()
  add_library(${library} STATIC ${sources})
  target_include_directories(${library} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(${library} PUBLIC ${ARGN} Threads::Threads)
  dotcache_use_pch(${library})
endfunction()

# dotcache_test_program(NAME SOURCES DEPENDENCY...): NAME_tests, one CTest entry for each TEST.
function(dotcache_test_program name sources)
  add_executable(${name}_tests ${sources})
  target_link_libraries(${name}_tests PRIVATE ${ARGN} GTest::gmock_main)
  dotcache_use_test_pch(${name}_tests)
  gtest_discover_tests(${name}_tests TEST_PREFIX ${name}. DISCOVERY_MODE PRE_TEST
                       DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 120)
endfunction()

# dotcache_tests(FOLDER DEPENDENCY...): *_test.cc of tests/FOLDER and of the folders in it as
# FOLDER_tests.
function(dotcache_tests folder)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/${folder}/*_test.cc)
  if(sources)
    dotcache_test_program(${folder} "${sources}" ${ARGN})
  endif()
endfunction()
