# AL_VERSION and AL_COMMIT for `--version` and audio_latency_build_info. -DAL_COMMIT=… where there is no git to ask.
if(NOT AL_COMMIT)
  execute_process(COMMAND git -C ${CMAKE_SOURCE_DIR} rev-parse --short=12 HEAD OUTPUT_VARIABLE AL_COMMIT
                  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
if(NOT AL_COMMIT)
  set(AL_COMMIT unknown)
endif()
set_source_files_properties(src/version.cpp PROPERTIES COMPILE_DEFINITIONS
                            "AL_VERSION=\"${PROJECT_VERSION}\";AL_COMMIT=\"${AL_COMMIT}\"")
