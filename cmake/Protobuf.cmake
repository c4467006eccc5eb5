# add_bus_messages(NAME FILE.proto): a library of the classes that protoc makes of it, generated into the build directory.
function(add_bus_messages name source)
  get_filename_component(stem ${source} NAME_WE)
  get_filename_component(directory ${source} ABSOLUTE)
  get_filename_component(directory ${directory} DIRECTORY)
  set(output ${CMAKE_BINARY_DIR}/generated)
  file(MAKE_DIRECTORY ${output})
  add_custom_command(OUTPUT ${output}/${stem}.pb.cc ${output}/${stem}.pb.h
                     COMMAND protobuf::protoc --cpp_out=${output} -I${directory} ${stem}.proto
                     DEPENDS ${source} VERBATIM)
  add_library(${name} STATIC ${output}/${stem}.pb.cc)
  target_include_directories(${name} SYSTEM PUBLIC ${output})
  target_link_libraries(${name} PUBLIC protobuf::libprotobuf-lite)
endfunction()
