// SPDX-License-Identifier: GPL-2.0
// The man page and the completions have what the command line has, and nothing else.
#include "bench.h"
#include "command.h"

#include <algorithm>
#include <cstdio>
#include <fmt/ranges.h>
#include <fstream>
#include <gtest/gtest.h>
#include <regex>
#include <set>
#include <sstream>

namespace {

using Words = std::set<std::string>;

// A command or verb: "mux add".
struct Node {
    std::string path;
    Words verbs;
    Words options; // those of the program too
};

Words options_of(const CLI::App &app) {
    Words words;
    for (const CLI::Option *option : app.get_options()) {
        for (const std::string &name : option->get_snames())
            words.insert("-" + name);
        for (const std::string &name : option->get_lnames())
            words.insert("--" + name);
    }
    return words;
}

void add_nodes(const CLI::App &app, const std::string &path, Words options,
               std::vector<Node> &nodes) {
    options.merge(options_of(app));
    Node node{path, {}, options};
    for (const CLI::App *verb : app.get_subcommands([](const CLI::App *) { return true; })) {
        node.verbs.insert(verb->get_name());
        add_nodes(*verb, (path.empty() ? "" : path + " ") + verb->get_name(), options, nodes);
    }
    nodes.push_back(node);
}

std::vector<Node> all_nodes() {
    FakeKernel kernel;
    FakeModem modem;
    std::ostringstream out;
    Cli cli({kernel, modem, out});
    add_commands(cli);
    std::vector<Node> nodes;
    add_nodes(cli.app(), "", {}, nodes);
    return nodes;
}

std::string read(const std::string &file) {
    std::ostringstream text;
    text << std::ifstream(SOURCE_ROOT "/userspace/" + file).rdbuf();
    return text.str();
}

// The long options that a text names.
Words options_in(const std::string &text) {
    const std::regex option("--[a-z][a-z-]*");
    Words found;
    for (std::sregex_iterator match(text.begin(), text.end(), option), end; match != end; ++match)
        found.insert(match->str());
    return found;
}

Words long_options(const std::vector<Node> &nodes) {
    Words all;
    for (const Node &node : nodes)
        for (const std::string &option : node.options)
            if (option.starts_with("--"))
                all.insert(option);
    return all;
}

// As a reader sees it, more or less.
std::string man_page() {
    std::string text = read("qmapctl.8");
    text = std::regex_replace(text, std::regex(R"(\\f[A-Z]|\\c|")"), "");
    return std::regex_replace(text, std::regex(R"(\\-)"), "-");
}

// What bash offers for the last of the words.
Words offered(const std::string &words) {
    const std::string script =
        fmt::format("source {}/userspace/completion/qmapctl.bash; COMP_WORDS=(qmapctl {}); "
                    "COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _qmapctl; echo \"${{COMPREPLY[@]}}\"",
                    SOURCE_ROOT, words);
    FILE *pipe = popen(("bash --norc -c '" + script + "'").c_str(), "r");
    if (!pipe)
        return {"no bash"};
    std::string text(65536, '\0');
    text.resize(fread(text.data(), 1, text.size(), pipe));
    EXPECT_EQ(pclose(pipe), 0) << words;
    std::istringstream stream(text);
    return Words(std::istream_iterator<std::string>(stream), {});
}

TEST(Documents, ManPageHasEveryCommandAndOption) {
    const std::string page = man_page();
    const std::vector<Node> nodes = all_nodes();
    for (const Node &node : nodes)
        EXPECT_NE(page.find(node.path), std::string::npos) << node.path;
    EXPECT_EQ(options_in(page), long_options(nodes));
    for (const char *option : {"-d", "-w", "-h"})
        EXPECT_NE(page.find(option), std::string::npos) << option;
}

TEST(Documents, BashCompletesEveryCommandAndOption) {
    for (const Node &node : all_nodes()) {
        if (!node.verbs.empty()) {
            EXPECT_EQ(offered(node.path + " \"\""), node.verbs) << node.path;
        }
        EXPECT_EQ(offered(node.path + " -"), node.options) << node.path;
    }
}

TEST(Documents, BashCompletesValuesAndKnowsWhatHasBeenTyped) {
    EXPECT_EQ(offered("mode g"), Words{"get"});
    EXPECT_EQ(offered("--json -d wwan0 mode g"), Words{"get"});
    EXPECT_EQ(offered("--device = wwan0 mode g"), Words{"get"});
    EXPECT_EQ(offered("setup --timeout 3 --j"), Words{"--json"});
    EXPECT_EQ(offered("wda set --dl-aggregation qmap"), (Words{"qmap", "qmapv5"}));
    EXPECT_EQ(offered("wda set --dl-aggregation = o"), Words{"off"});
    EXPECT_EQ(offered("wda set --dl-aggregation ="), (Words{"off", "qmap", "qmapv5"}));
    EXPECT_EQ(offered("wda set --link-protocol r"), Words{"raw-ip"});
    EXPECT_EQ(offered("mux add 0x88"), Words{"0x88"});
    EXPECT_EQ(offered("stats --watch = 5 --dr"), Words{"--dry-run"});
    EXPECT_EQ(offered("mode set 8"), Words{"8"});
    EXPECT_EQ(offered("nonesuch x"), Words{});
}

TEST(Documents, ZshCompletionHasEveryCommandAndOption) {
    const std::string text = read("completion/_qmapctl");
    const std::vector<Node> nodes = all_nodes();
    for (const Node &node : nodes) {
        if (node.path.empty())
            continue;
        // Its branch, as "status |" or "'mux add')", and the verbs that are offered there.
        const std::string name =
            node.path.find(' ') == std::string::npos ? node.path : "'" + node.path + "'";
        EXPECT_TRUE(std::regex_search(text, std::regex("[ (]" + name + "( \\||\\))"))) << name;
        for (const std::string &verb : node.verbs) {
            const std::regex offer(" " + name + "\\) .*:verb:\\(.*\\b" + verb + "\\b.*\\)");
            EXPECT_TRUE(std::regex_search(text, offer)) << name << " " << verb;
        }
    }
    for (const std::string &option : long_options(nodes))
        EXPECT_TRUE(options_in(text).contains(option)) << option;
}

} // namespace
