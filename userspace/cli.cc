// SPDX-License-Identifier: GPL-2.0
#include "command.h"
#include "text.h"
#include "version.h"

#include <fmt/format.h>
#include <fmt/ostream.h>
#include <fmt/ranges.h>

namespace {

constexpr const char *epilogue =
    "DEV is a netdev, a control node, a USB path, or the beginning of one of these. With one\n"
    "module on the machine it may be left out.\n\n"
    "Exit status: 0 done, 1 refused or failed, 2 not understood.";

// What is wrong, and what would be right, in one line.
std::string explain(const CLI::App &app, const CLI::ParseError &error) {
    const CLI::App *command = &app;
    std::string name = app.get_name();
    for (auto chosen = command->get_subcommands(); !chosen.empty();
         chosen = command->get_subcommands()) {
        command = chosen.front();
        name += " " + command->get_name();
    }
    std::string wrong = error.what();
    if (const std::vector<std::string> unknown = app.remaining(true); !unknown.empty())
        wrong = fmt::format("'{}' is not understood", unknown.front());

    std::vector<std::string> verbs;
    for (const CLI::App *verb : command->get_subcommands({}))
        verbs.push_back(verb->get_name());
    if (!verbs.empty())
        return fmt::format("{}; {} takes one of {}", wrong, name, fmt::join(verbs, ", "));
    return fmt::format("{}; see '{} --help'", wrong, name);
}

} // namespace

Cli::Cli(Context context)
    : app_("See and set what the driver of a cellular module does.", "qmapctl"),
      context_(std::move(context)) {
    app_.require_subcommand(0, 1);
    app_.fallthrough();
    app_.footer(epilogue);
    app_.add_option("-d,--device", option_, "The module")->type_name("DEV");
    app_.set_version_flag("--version", "qmapctl " QMIQ_VERSION, "Print the version");
    app_.add_flag("--json", context_.json, "Print JSON");
    app_.add_flag("--dry-run", context_.dry_run, "Say what would be done, and change nothing");
}

CLI::App *Cli::add(const std::string &name, const std::string &description, Action action,
                   CLI::App *parent) {
    CLI::App *command = (parent ? parent : &app_)->add_subcommand(name, description);
    command->fallthrough();
    command->callback([this, action = std::move(action)] { action_ = action; });
    return command;
}

CLI::App *Cli::add_object(const std::string &name, const std::string &description) {
    CLI::App *object = app_.add_subcommand(name, description);
    object->fallthrough();
    object->require_subcommand(1);
    return object;
}

void Cli::add_device(CLI::App *command) {
    command->add_option("DEV", argument_, "The module")->type_name("");
}

Status Cli::parse(int argc, const char *const *argv) {
    try {
        app_.parse(argc, argv);
    } catch (const CLI::CallForHelp &) {
        action_ = [this](const Context &context) -> Status {
            context.out << app_.help();
            return {};
        };
    } catch (const CLI::CallForVersion &version) {
        action_ = [text = std::string(version.what())](const Context &context) -> Status {
            context.out << text << '\n';
            return {};
        };
    } catch (const CLI::ParseError &error) {
        return usage_error(explain(app_, error));
    }
    if (option_ && argument_ && *option_ != *argument_)
        return usage_error(
            fmt::format("two modules are named: '{}' and '{}'", *option_, *argument_));
    if (option_ == "" || argument_ == "")
        return usage_error("'' names no module");
    if (option_ || argument_)
        context_.device = option_ ? *option_ : *argument_;
    return {};
}

int Cli::run(int argc, const char *const *argv, std::ostream &err) {
    Status done = parse(argc, argv).and_then([&] { return action_(context_); });
    if (done && !context_.out.flush())
        done = failure("can't write the output");
    if (done)
        return 0;
    fmt::print(err, "qmapctl: {}\n", clean(done.error().message));
    return done.error().usage ? 2 : 1;
}
