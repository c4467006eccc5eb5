// SPDX-License-Identifier: Apache-2.0
#include "command_line.hpp"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <memory>
#include <ostream>

#include "command.hpp"
#include "version.hpp"

namespace audio_latency {
namespace {

constexpr std::string_view kFooter =
    "Every option is also an environment variable (AUDIO_PORTS) and a key of the YAML file (audio_ports).\n"
    "Precedence: flag, environment, file, default. 'audio-latency config' prints what is in force.";

// The commands first: the options are many.
class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter() {
    label("SUBCOMMAND", "COMMAND");
    label("TEXT", "VALUE");
    column_width(34);
  }
  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override {
    if (mode == CLI::AppFormatMode::Sub) return CLI::Formatter::make_help(app, std::move(name), mode);
    return make_description(app) + make_usage(app, std::move(name)) + make_positionals(app) +
           make_subcommands(app, mode) + make_groups(app, mode) + "\n" + make_footer(app);
  }
};

// Values as typed; `text` outlives the parser, which fills it in.
struct Typed {
  const Variable* variable;
  std::vector<std::string> text;
};

std::string spelling(const Variable& variable) {
  if (variable.name == "INTERFACE") return "-i," + flag_name(variable);
  if (variable.name == "LOG_LEVEL") return "-l," + flag_name(variable);
  return flag_name(variable);
}

void add_variables(CLI::App& app, std::vector<Typed>& typed) {
  typed.reserve(variables().size());  // the parser keeps addresses of its elements
  for (const Variable& variable : variables()) {
    typed.push_back({&variable, {}});
    std::string help(variable.meaning);
    if (!variable.fallback.empty()) help += " [" + std::string(variable.fallback) + "]";
    auto* option = app.add_option(spelling(variable), typed.back().text, help)->type_name("VALUE");
    option->allow_extra_args(false);  // one value a flag, or it would swallow the files of `replay`
    if (variable.name == "INTERFACE") {
      option->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    } else {
      option->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::Throw);
    }
  }
}

void add_commands(CLI::App& app, CommandLine& line) {
  for (const Command& command : commands()) {
    CLI::App* added = app.add_subcommand(command.name, command.summary);
    added->group("Commands");
    added->fallthrough();  // options may follow the command, too
    added->footer("The options of 'audio-latency --help' may follow, too.");
    added->callback([&line, &command] { line.command = command.name; });
    if (command.add_arguments != nullptr) command.add_arguments(*added, line);
  }
  app.require_subcommand(0, 1);
}

std::vector<Setting> settings_of(const std::vector<Typed>& typed) {
  std::vector<Setting> settings;
  for (const Typed& each : typed) {
    if (each.text.empty()) continue;
    std::string value = each.text.front();
    for (std::size_t i = 1; i < each.text.size(); ++i) value += "," + each.text[i];
    settings.push_back({std::string(each.variable->name), value, "flag " + flag_name(*each.variable)});
  }
  return settings;
}

}  // namespace

Sources CommandLine::sources() const {
  return {flags, [](const char* name) -> const char* { return std::getenv(name); }, config_file};
}

CommandLine parse_command_line(int argc, const char* const* argv, std::ostream& out, std::ostream& complaints) {
  CommandLine line;
  CLI::App app{"Measures the latency of audio through services, from the packets that carry it.", "audio-latency"};
  app.formatter(std::make_shared<HelpFormatter>());  // before there are commands, which inherit it
  std::vector<Typed> typed;
  app.add_option("--config", line.config_file, "YAML file with settings")->type_name("FILE");
  app.set_version_flag("--version", std::string("audio-latency ") + version() + " (" + commit() + ")");
  add_variables(app, typed);
  add_commands(app, line);
  app.footer(std::string(kFooter));
  try {
    app.parse(argc, argv);
    line.flags = settings_of(typed);
  } catch (const CLI::Success& wanted) {  // --help, --version
    app.exit(wanted, out, complaints);
    line.command.clear();
  } catch (const CLI::ParseError& failure) {
    complaints << "audio-latency: " << failure.what() << ". 'audio-latency --help' lists what is allowed.\n";
    line.command.clear();
    line.exit_code = kUsageError;
  }
  return line;
}

}  // namespace audio_latency
