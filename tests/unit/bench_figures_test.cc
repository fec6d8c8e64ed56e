// SPDX-License-Identifier: GPL-2.0
#include "../bench/host/check.h"
#include "../bench/host/figures.h"
#include "../bench/host/report.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

using namespace bench;

namespace {

TEST(Figures, AreMediansOfTheRuns) {
    Figures figures;
    for (double run : {300.0, 100.0, 200.0})
        figures.add("a", "x", run);
    EXPECT_EQ(figures.median("a", "x"), 200);
    figures.add("a", "x", 400);
    EXPECT_EQ(figures.median("a", "x"), 250);
    EXPECT_TRUE(figures.has("a", "x"));
    EXPECT_FALSE(figures.has("a", "y") || figures.has("b", "x"));
    EXPECT_EQ(figures.median("b", "x"), 0);
}

TEST(Figures, GoThroughJson) {
    Figures figures;
    figures.add("a", "x", 99.6);
    figures.add("a", "x", 200.4);
    figures.add("b", "y", 7);
    EXPECT_EQ(to_json(figures)["a"]["x"]["runs"], (nlohmann::json{99.6, 200}));
    EXPECT_EQ(to_json(figures)["a"]["x"]["median"], 150);
    Figures again = from_medians(medians(figures));
    EXPECT_EQ(again.median("a", "x"), 150);
    EXPECT_EQ(again.median("b", "y"), 7);
    again.merge(figures);
    EXPECT_EQ(again.runs().at("a").at("x").size(), 3u);
}

TEST(Figures, ReadsTheLinesOfTheGuestAlone) {
    auto sample = parse("bench: tcp-up packets 100 busy 5000 elapsed 9000 sunk 1 repeated 3");
    ASSERT_TRUE(sample);
    EXPECT_EQ(sample->scenario, "tcp-up");
    EXPECT_EQ(sample->figure, 50);
    EXPECT_EQ(sample->sunk, 1u);
    EXPECT_EQ(sample->repeated, 3u);
    sample = parse("latency: ping-idle ms 1.25");
    ASSERT_TRUE(sample);
    EXPECT_EQ(sample->scenario, "ping-idle");
    EXPECT_EQ(sample->figure, 1.25);
    for (const char *line :
         {"", "bench:", "tcp-up packets 100 busy 5000 elapsed 9000 sunk 1 repeated 3",
          "bench: tcp-up packets 0 busy 5000 elapsed 9000 sunk 1 repeated 3",
          "bench: tcp-up packets 100 busy x elapsed 9000 sunk 1 repeated 3",
          "bench: tcp-up packets 100 busy 5000 elapsed 9000 sunk 1",
          "bench: tcp-up packets 100 busy 5000 elapsed 9000 sunk 1 repeated 3 more",
          "latency: ping-idle ms", "latency: ping-idle s 1"})
        EXPECT_FALSE(parse(line)) << line;
}

TEST(Check, AllowsFivePercentMore) {
    Figures baseline, figures;
    baseline.add("a", "x", 1000);
    figures.add("a", "x", 1050);
    figures.add("a", "y", 99999); // not in the baseline
    Verdict verdict = hold_against(baseline, figures);
    EXPECT_TRUE(verdict.good);
    EXPECT_EQ(verdict.text, "[ RUN      ] Bench.a/x\n"
                            "1050 instructions per packet, +5.0 % of 1000\n"
                            "[       OK ] Bench.a/x\n");
    figures.add("a", "x", 1052);
    verdict = hold_against(baseline, figures);
    EXPECT_FALSE(verdict.good);
    EXPECT_TRUE(verdict.text.ends_with("[  FAILED  ] Bench.a/x\n"));
}

TEST(Check, FailsForAFigureThatIsMissing) {
    Figures baseline;
    baseline.add("a", "x", 1000);
    EXPECT_FALSE(hold_against(baseline, {}).good);
}

class Report : public testing::Test {
  protected:
    Report() {
        figures.add("a", "x", 1000);
        figures.add("b", "x", 250);
        figures.add("b", "y", 12345);
    }

    Figures figures;
    std::vector<Row> rows{{"x", "first"}, {"y", "second"}, {"z", "third"}};
    std::vector<Column> columns{{"a", "one\nA"}, {"b", "two\nB"}, {"c", "none\nC"}};
};

TEST_F(Report, LeavesOutWhatIsEmpty) {
    const std::string text = table(figures, rows, columns, 0);
    EXPECT_NE(text.find("second                            -        12345\n"), std::string::npos)
        << text;
    EXPECT_EQ(text.find("third"), std::string::npos);
    EXPECT_EQ(text.find("none"), std::string::npos);
    EXPECT_EQ(table(figures, {rows[2]}, columns, 0), "");
}

TEST_F(Report, TellsHowManyTimesLess) {
    const std::string text = ratios(figures, rows, {columns[1]}, {"a"});
    EXPECT_NE(text.find("first                          4.00\n"), std::string::npos) << text;
    EXPECT_EQ(text.find("second"), std::string::npos);
}

TEST_F(Report, DrawsABarForEachFigure) {
    const std::string svg = chart(figures, "a < b", rows, columns);
    EXPECT_NE(svg.find("a &lt; b"), std::string::npos);
    EXPECT_NE(svg.find(">12345</text>"), std::string::npos);
    size_t bars = 0;
    for (size_t at = svg.find("height=\"10\""); at != std::string::npos;
         at = svg.find("height=\"10\"", at + 1))
        bars++;
    EXPECT_EQ(bars, 3u + columns.size()); // and the legend
    EXPECT_TRUE(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
}

} // namespace
