// Vectors of floats by the compiler's vector extensions, and the functions that the networks apply to them.
//
// The width is that of the instruction set that this library is compiled for (build.py compiles one for each).
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

namespace gengraph {

#if defined(__AVX512F__)
constexpr int LANES = 16;
constexpr int REGISTERS = 32;
#elif defined(__AVX2__)
constexpr int LANES = 8;
constexpr int REGISTERS = 16;
#elif defined(__aarch64__)
constexpr int LANES = 4;
constexpr int REGISTERS = 32;
#else
constexpr int LANES = 4;
constexpr int REGISTERS = 16;
#endif

typedef float Vec __attribute__((vector_size(4 * LANES)));
typedef int32_t IntVec __attribute__((vector_size(4 * LANES)));

inline Vec splat(float value) { return value - Vec{}; }

inline Vec load(const float* from) {
    Vec result;
    std::memcpy(&result, from, sizeof result);
    return result;
}

inline void store(float* to, Vec value) { std::memcpy(to, &value, sizeof value); }

// The first `count` lanes; those after are 0.
inline Vec load(const float* from, int64_t count) {
    if (count >= LANES) return load(from);
    Vec result{};
    std::memcpy(&result, from, count * sizeof(float));
    return result;
}

inline void store(float* to, Vec value, int64_t count) {
    if (count >= LANES)
        store(to, value);
    else
        std::memcpy(to, &value, count * sizeof(float));
}

inline Vec positive(Vec x) { return x < 0.0f ? Vec{} : x; }  // not a number stays so

// x between -87 and 88; not a number stays so.
inline Vec clamp_exponent(Vec x) {
    const Vec least = splat(-87.0f), most = splat(88.0f);
#if defined(__AVX512F__)
    return _mm512_min_ps(most, _mm512_max_ps(least, x));
#elif defined(__AVX2__)
    return _mm256_min_ps(most, _mm256_max_ps(least, x));
#else
    x = x < least ? least : x;
    return x > most ? most : x;
#endif
}

// e^x for x in [-87, 88], beyond that as at the ends; relative error below 3e-7 (1 + |x| / 20). It is 2^n 2^f with n the nearest
// integer to x log2(e); the polynomial is the best one of degree 5 for 2^f on [-1/2, 1/2] that is 1 at 0.
inline Vec exp(Vec x) {
    x = clamp_exponent(x);
    const float to_integer = 12582912.0f;  // 1.5 * 2^23: what is added to it is rounded to an integer, in the lowest bits
    const Vec shifted = x * 1.44269504f + to_integer;
    const Vec f = x * 1.44269504f - (shifted - to_integer);
    Vec p = f * 1.326472731e-03f + 9.671512991e-03f;
    p = p * f + 5.550733581e-02f;
    p = p * f + 2.402224243e-01f;
    p = p * f + 6.931470037e-01f;
    p = p * f + 1.0f;
    return (Vec)((IntVec)p + ((IntVec)shifted << 23));  // n added to the exponent of p; the shift drops the rest of `shifted`
}

inline Vec sigmoid(Vec x) { return 1.0f / (1.0f + exp(-x)); }

inline Vec tanh(Vec x) { return 2.0f * sigmoid(2.0f * x) - 1.0f; }

// log(1 + e) for e in [0, 1] as 2 artanh(e / (2 + e)); relative error below 2e-7.
inline Vec log1p(Vec e) {
    const Vec s = e / (2.0f + e), square = s * s;
    Vec p = square * (1.0f / 13) + 1.0f / 11;
    p = p * square + 1.0f / 9;
    p = p * square + 1.0f / 7;
    p = p * square + 1.0f / 5;
    p = p * square + 1.0f / 3;
    p = p * square + 1.0f;
    return 2.0f * s * p;
}

// Every second lane of a and then of b, beginning with the first or the second.
template <int FIRST>
inline Vec every_second(Vec a, Vec b) {
    IntVec places{};
    for (int i = 0; i < LANES; i++) places[i] = 2 * i + FIRST;
#if defined(__clang__)
    Vec result;
    for (int i = 0; i < LANES; i++) result[i] = places[i] < LANES ? a[places[i]] : b[places[i] - LANES];
    return result;
#else
    return __builtin_shuffle(a, b, places);
#endif
}

// The sums of LANES vectors over their lanes, by a tree; the vectors are overwritten.
inline Vec lane_sums(Vec* vectors) {
    UNROLL
    for (int width = LANES / 2; width >= 1; width /= 2) {
        UNROLL
        for (int i = 0; i < width; i++) {
            const Vec a = vectors[2 * i], b = vectors[2 * i + 1];
            vectors[i] = every_second<0>(a, b) + every_second<1>(a, b);
        }
    }
    return vectors[0];
}

// A buffer that is aligned for vectors and zero at the start.
template <class T>
class Buffer {
public:
    explicit Buffer(int64_t size) {
        const size_t bytes = (size * sizeof(T) + 63) / 64 * 64;
        if (bytes == 0) return;
        data_ = static_cast<T*>(std::aligned_alloc(64, bytes));
        if (data_ == nullptr) throw std::bad_alloc();
        std::memset(static_cast<void*>(data_), 0, bytes);
    }
    Buffer(Buffer&& other) noexcept : data_(other.data_) { other.data_ = nullptr; }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    ~Buffer() { std::free(data_); }
    T* get() const { return data_; }
    T& operator[](int64_t i) const { return data_[i]; }

private:
    T* data_ = nullptr;
};

}  // namespace gengraph
