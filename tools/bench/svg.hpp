// A small writer of SVG pictures (https://www.w3.org/TR/SVG2/): text, lines, boxes and dots.
#pragma once

#include <string>
#include <string_view>

namespace ringtail::bench {

enum class Anchor { start, middle, end };

/// Colours are CSS classes, so that one picture suits light and dark pages: "ink" for text, "faint" for lines, "c0" to
/// "c5" for data. The background is left to the page.
class Svg {
 public:
  explicit Svg(double width) : width_(width) {}

  void text(double x, double y, std::string_view words, Anchor anchor = Anchor::start, bool bold = false);
  void line(double x1, double y1, double x2, double y2, std::string_view colour);
  void box(double x, double y, double width, double height, std::string_view colour);
  /// `words` show when the mouse rests on it.
  void dot(double x, double y, double radius, std::string_view colour, std::string_view words);

  [[nodiscard]] double width() const noexcept { return width_; }
  /// The whole document.
  [[nodiscard]] std::string finish(double height) const;

 private:
  double width_;
  std::string body_;
};

/// A step of 1, 2 or 5 times a power of ten that divides 0 to `most` into at most `parts`.
[[nodiscard]] double round_step(double most, int parts);

}  // namespace ringtail::bench
