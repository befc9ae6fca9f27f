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

# A precompiled header compiles in one second what costs each source three. dotcache_share_pch(NAME
# TARGET LIBRARY HEADERS...): TARGET uses the precompiled header NAME, which the first one makes.
function(dotcache_share_pch name target library)
  if(NOT DOTCACHE_PCH)
    return()
  endif()
  if(NOT TARGET ${name})
    file(WRITE ${CMAKE_BINARY_DIR}/pch.cc "")
    add_library(${name} OBJECT ${CMAKE_BINARY_DIR}/pch.cc)
    target_link_libraries(${name} PRIVATE absl::flat_hash_map absl::statusor ${library})
    target_precompile_headers(${name} PRIVATE ${DOTCACHE_PCH_HEADERS} ${ARGN})
    dotcache_digest_of_pch(${name})
  endif()
  target_precompile_headers(${target} REUSE_FROM ${name})
endfunction()

# For all targets that are compiled with the same options.
function(dotcache_use_pch target)
  dotcache_share_pch(dotcache_pch ${target} "")
endfunction()

# The same with GoogleTest, for test programs.
function(dotcache_use_test_pch target)
  dotcache_share_pch(dotcache_test_pch ${target} GTest::gmock <gmock/gmock.h> <gtest/gtest.h>)
endfunction()

# Compiles several sources of a target as one, because templates and headers take most of the time.
# The groups are made when CMake runs; a build that says "redefinition" needs to run it again.
function(dotcache_compile_together target)
  if(NOT DOTCACHE_UNITY)
    return()
  endif()
  get_target_property(sources ${target} SOURCES)
  execute_process(COMMAND /usr/bin/python3 ${PROJECT_SOURCE_DIR}/cmake/groups.py ${sources}
                  OUTPUT_VARIABLE lines COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "[^\n]+" lines "${lines}")
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  foreach(line ${lines})
    separate_arguments(words UNIX_COMMAND "${line}")
    list(GET words 0 group)
    list(GET words 1 source)
    set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${group})
  endforeach()
  # A local name may shadow one of another source. GCC takes the sources for headers, in which a type
  # with fields of a local type would be an error.
  target_compile_options(${target} PRIVATE -Wno-shadow
                         $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
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
  dotcache_compile_together(${library})
endfunction()

# dotcache_test_program(NAME SOURCES DEPENDENCY...): NAME_tests, one CTest entry for each TEST.
function(dotcache_test_program name sources)
  add_executable(${name}_tests ${sources})
  target_link_libraries(${name}_tests PRIVATE ${ARGN} GTest::gmock_main)
  dotcache_use_test_pch(${name}_tests)
  dotcache_compile_together(${name}_tests)
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
