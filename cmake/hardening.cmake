# SPDX-License-Identifier: Apache-2.0
# Defences that the compiler and the linker add. tests/house/hardening_test checks that the program
# of the release preset has each of them.
include(CheckCXXCompilerFlag)

add_compile_options(-fstack-protector-strong)
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  # Some distributions' compilers define _FORTIFY_SOURCE themselves.
  add_compile_options(-fPIE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
  add_link_options(-pie -Wl,-z,relro,-z,now,-z,noexecstack)
  # Each depends on the processor: the last one is for arm64.
  foreach(flag -fstack-clash-protection -fcf-protection=full -mbranch-protection=standard)
    string(MAKE_C_IDENTIFIER HAVE${flag} have)
    check_cxx_compiler_flag(${flag} ${have})
    if(${have})
      add_compile_options(${flag})
    endif()
  endforeach()
endif()
