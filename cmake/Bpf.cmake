# add_bpf_skeleton(TARGET SOURCE): compiles SOURCE for BPF and makes <basename>.skel.h, an include of TARGET.
find_program(BPF_CLANG NAMES clang clang-19 clang-16 clang-14 REQUIRED)
find_program(BPFTOOL bpftool PATHS /usr/sbin REQUIRED)

function(compile_bpf OBJECT SOURCE)
  file(GLOB headers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/bpf/*.h ${CMAKE_SOURCE_DIR}/include/audio_latency/wire/*.h)
  add_custom_command(
    OUTPUT ${OBJECT}
    COMMAND ${BPF_CLANG} -g -O2 -target bpf -mcpu=v3 -Wall -Wextra -Werror -Wno-unused-parameter
            -D__TARGET_ARCH_x86 -I${CMAKE_SOURCE_DIR}/include -I${CMAKE_SOURCE_DIR}/bpf
            -idirafter /usr/include/${CMAKE_LIBRARY_ARCHITECTURE} -c ${CMAKE_SOURCE_DIR}/${SOURCE} -o ${OBJECT}
    DEPENDS ${CMAKE_SOURCE_DIR}/${SOURCE} ${headers}
    COMMENT "BPF ${SOURCE}" VERBATIM)
endfunction()

function(add_bpf_skeleton TARGET SOURCE)
  get_filename_component(name ${SOURCE} NAME_WE)
  set(object ${CMAKE_BINARY_DIR}/skeleton/${name}.bpf.o)
  set(skeleton ${CMAKE_BINARY_DIR}/skeleton/${name}.skel.h)
  file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/skeleton)
  compile_bpf(${object} ${SOURCE})
  add_custom_command(
    OUTPUT ${skeleton}
    COMMAND sh -c "${BPFTOOL} gen skeleton ${object} name ${name}_bpf > ${skeleton}"
    DEPENDS ${object} VERBATIM)
  add_custom_target(${TARGET}_generate DEPENDS ${skeleton})
  add_library(${TARGET} INTERFACE)
  target_include_directories(${TARGET} SYSTEM INTERFACE ${CMAKE_BINARY_DIR}/skeleton)
  add_dependencies(${TARGET} ${TARGET}_generate)
endfunction()
