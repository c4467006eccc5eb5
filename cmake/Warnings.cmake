# Warnings are errors; one interface target carries them, and the sanitizers where asked for.
add_library(al_warnings INTERFACE)
target_compile_options(al_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Werror)
# GCC 12 takes `"[" + string` for an overlapping copy at -O3 (GCC bug 105651).
target_compile_options(al_warnings INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
# libbpf's LIBBPF_OPTS is a statement expression with designators; clang warns where the macro is used.
target_compile_options(al_warnings INTERFACE
  $<$<CXX_COMPILER_ID:Clang>:-Wno-gnu-statement-expression;-Wno-c99-extensions;-Wno-c99-designator>)
if(AL_SANITIZE OR AL_FUZZ)
  target_compile_options(al_warnings INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(al_warnings INTERFACE -fsanitize=address,undefined)
endif()
if(AL_FUZZ)
  target_compile_options(al_warnings INTERFACE -fsanitize=fuzzer-no-link)
endif()
