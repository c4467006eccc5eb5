# The field's libraries, all from Debian packages (scripts/setup.sh installs them).
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(spdlog REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED)
find_package(yaml-cpp REQUIRED)
pkg_check_modules(LIBBPF REQUIRED IMPORTED_TARGET libbpf)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
find_path(PCAP_INCLUDE pcap/pcap.h REQUIRED)
find_library(PCAP_LIBRARY pcap REQUIRED)
find_path(CLI11_INCLUDE CLI/CLI.hpp REQUIRED)
find_path(HTTPLIB_INCLUDE httplib.h REQUIRED)
find_library(HTTPLIB_LIBRARY cpp-httplib REQUIRED)
find_package(CURL REQUIRED)
find_path(JSON_INCLUDE nlohmann/json.hpp REQUIRED)

add_library(al_dependencies INTERFACE)
target_link_libraries(al_dependencies INTERFACE Threads::Threads spdlog::spdlog prometheus-cpp::core yaml-cpp PkgConfig::LIBBPF
                      PkgConfig::XXHASH ${PCAP_LIBRARY} ${HTTPLIB_LIBRARY} CURL::libcurl)
