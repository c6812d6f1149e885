#include "bench/svg.hpp"

#include <cmath>
#include <fmt/format.h>

namespace ringtail::bench {

namespace {

constexpr const char* style = R"(<style>
text { font: 12px system-ui, sans-serif; } .bold { font-weight: 600; font-size: 13px; }
.ink { fill: #24292f; } .faint { stroke: #8c959f; stroke-opacity: .5; } .whisker { stroke: #57606a; }
.c0 { fill: #2f7fd1; } .c1 { fill: #79b4ec; } .c2 { fill: #e0803a; } .c3 { fill: #a06cd5; } .c4 { fill: #3f9c5f; }
.c5 { fill: #c8524f; }
@media (prefers-color-scheme: dark) { .ink { fill: #d0d7de; } .whisker { stroke: #afb8c1; } }
</style>
)";

std::string escape(std::string_view words) {
  std::string escaped;
  for (const char letter : words) {
    if (letter == '<') {
      escaped += "&lt;";
    } else if (letter == '&') {
      escaped += "&amp;";
    } else {
      escaped += letter;
    }
  }
  return escaped;
}

}  // namespace

void Svg::text(double x, double y, std::string_view words, Anchor anchor, bool bold) {
  const char* const anchors[] = {"start", "middle", "end"};
  body_ += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" class=\"ink{}\">{}</text>\n", x, y,
                       anchors[static_cast<int>(anchor)], bold ? " bold" : "", escape(words));
}

void Svg::line(double x1, double y1, double x2, double y2, std::string_view colour) {
  body_ += fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" class=\"{}\"/>\n", x1, y1, x2, y2,
                       colour);
}

void Svg::box(double x, double y, double width, double height, std::string_view colour) {
  body_ += fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" class=\"{}\"/>\n", x, y,
                       width, height, colour);
}

void Svg::dot(double x, double y, double radius, std::string_view colour, std::string_view words) {
  body_ += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{:.1f}\" class=\"{}\"><title>{}</title></circle>\n", x,
                       y, radius, colour, escape(words));
}

std::string Svg::finish(double height) const {
  return fmt::format(
             "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" "
             "height=\"{1:.0f}\">\n",
             width_, height) +
         style + body_ + "</svg>\n";
}

double round_step(double most, int parts) {
  if (most <= 0) return 1;
  const double power = std::pow(10, std::floor(std::log10(most / parts)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (most / (factor * power) <= parts) return factor * power;
  }
  return 10 * power;
}

}  // namespace ringtail::bench
