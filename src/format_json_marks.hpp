// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>

#include "format_layer.hpp"

namespace audio_latency {

constexpr std::size_t kMarksBlock = 64;
// A bit for each character of the block that ends what is plain in a string: quote, backslash, and control characters,
// which are none of a string's. Looks at no byte outside of the piece from `begin` to `end`.
std::uint64_t json_marks(const std::uint8_t* block, const std::uint8_t* begin, const std::uint8_t* end);

// Finds these characters, one behind the other.
class JsonMarks {
 public:
  JsonMarks(ByteSpan piece, const std::uint8_t* from)
      : begin_(piece.data()), end_(begin_ + piece.size()), block_(from) {
    if (from != end_) left_ = json_marks(from, begin_, end_);
  }

  // Where the next one is; behind the last one the end of the piece.
  [[gnu::always_inline]] const std::uint8_t* next() {
    while (left_ == 0) {
      if (static_cast<std::size_t>(end_ - block_) <= kMarksBlock) return end_;
      block_ += kMarksBlock;
      left_ = json_marks(block_, begin_, end_);
    }
    const std::uint8_t* at = block_ + std::countr_zero(left_);
    left_ &= left_ - 1;
    return at;
  }

 private:
  const std::uint8_t* begin_;
  const std::uint8_t* end_;
  const std::uint8_t* block_;
  std::uint64_t left_ = 0;  // of the block's marks
};

}  // namespace audio_latency
