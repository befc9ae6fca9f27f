# SPDX-License-Identifier: Apache-2.0
# Tests that are scripts: the rules of the sources, and the built program in front of real servers.

add_subdirectory(house)

# Debian's own Python: pytest and dnspython are installed for that one.
file(GLOB e2e_files RELATIVE ${PROJECT_SOURCE_DIR}/tests/e2e CONFIGURE_DEPENDS
     ${PROJECT_SOURCE_DIR}/tests/e2e/test_*.py)
foreach(file ${e2e_files})
  string(REGEX REPLACE "^test_(.*)\\.py$" "e2e.\\1" name ${file})
  add_test(NAME ${name} COMMAND /usr/bin/python3 -m pytest ${file}
           WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}/tests/e2e)
  set_tests_properties(${name} PROPERTIES
    ENVIRONMENT "DOTCACHE_BINARY=$<TARGET_FILE:dotcache>;PYTHONDONTWRITEBYTECODE=1"
    LABELS e2e TIMEOUT 300 COST 50)
endforeach()
# The longest tests start first, so the run does not end with one of them alone.
set_tests_properties(e2e.credentials e2e.failover e2e.hostile e2e.loops e2e.network_change
                     e2e.response_matrix PROPERTIES COST 100)
# Their servers give each name few tries, and a processor that is late costs one of them.
set_tests_properties(e2e.max_connections e2e.narrow_servers PROPERTIES RUN_SERIAL ON)

# Only with `ctest -C delays`: the start, the reload and the stop once more, with delays at their
# seams (core/test_delay.h), so that a race between two steps shows on every run.
set(delays "bind:100,plan:300,start:200,worker:300,started:500,ready:300,stop:200,drain:200")
string(APPEND delays ",join:100,stopped:200,admin:20,insert:1")
foreach(name admin bootstrap command_line credentials lab load streams)
  add_test(NAME delayed.${name} CONFIGURATIONS delays
           COMMAND /usr/bin/python3 -m pytest test_${name}.py
           WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}/tests/e2e)
  set_tests_properties(delayed.${name} PROPERTIES
    ENVIRONMENT "DOTCACHE_BINARY=$<TARGET_FILE:dotcache>;DOTCACHE_TEST_DELAY=${delays};PYTHONDONTWRITEBYTECODE=1"
    LABELS delays TIMEOUT 300)
endforeach()

# dotcache beside its peers, on few names; all of them take minutes (tests/agreement/README.md).
add_test(NAME agreement COMMAND ${PROJECT_SOURCE_DIR}/tests/agreement/agreement --names 150)
add_test(NAME agreement.rules COMMAND /usr/bin/python3 -m pytest test_rules.py
         WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}/tests/agreement)
set_tests_properties(agreement agreement.rules PROPERTIES
  ENVIRONMENT "DOTCACHE_BINARY=$<TARGET_FILE:dotcache>;PYTHONDONTWRITEBYTECODE=1"
  LABELS e2e TIMEOUT 120)

# A few of the faults, and only what is answered, not how fast (tests/faults/README.md).
add_test(NAME faults COMMAND /usr/bin/python3 ${PROJECT_SOURCE_DIR}/tests/faults/run
         --binary $<TARGET_FILE:dotcache> --queries 400 --rate 200 --check answers --sample)
set_tests_properties(faults PROPERTIES
  ENVIRONMENT "PYTHONDONTWRITEBYTECODE=1" LABELS e2e TIMEOUT 300)
