;; The two inner loops of phi3v/image/resize.ts in 128-bit SIMD. scripts/write-resize-kernel.mjs puts the compiled form into
;; phi3v/image/resize-kernel.ts. All addresses and lengths are in bytes; weights are int32 in units of 2^-22, and no sum leaves 31 bits.
(module
  (memory (import "kernel" "memory") 1)

  ;; Writes `width` pixels of packed RGB to `out`, and one byte more. Pixel x is the sum of `taps` pixels from
  ;; `row + starts[x]` on, times the next `taps` weights. `taps` is a multiple of 3. A pixel is read with the byte after it.
  (func (export "resizeRow")
    (param $row i32) (param $starts i32) (param $weights i32) (param $taps i32) (param $out i32) (param $width i32)
    (local $from i32) (local $left i32) (local $sum v128)
    (loop $pixels
      (local.set $from (i32.add (local.get $row) (i32.load (local.get $starts))))
      (local.set $left (local.get $taps))
      (local.set $sum (v128.const i32x4 0x200000 0x200000 0x200000 0x200000))
      (loop $groups
        (local.set $sum (i32x4.add (local.get $sum) (i32x4.add
          (i32x4.mul
            (i32x4.extend_low_i16x8_u (i16x8.extend_low_i8x16_u (v128.load32_zero (local.get $from))))
            (v128.load32_splat (local.get $weights)))
          (i32x4.add
            (i32x4.mul
              (i32x4.extend_low_i16x8_u (i16x8.extend_low_i8x16_u (v128.load32_zero offset=3 (local.get $from))))
              (v128.load32_splat offset=4 (local.get $weights)))
            (i32x4.mul
              (i32x4.extend_low_i16x8_u (i16x8.extend_low_i8x16_u (v128.load32_zero offset=6 (local.get $from))))
              (v128.load32_splat offset=8 (local.get $weights)))))))
        (local.set $from (i32.add (local.get $from) (i32.const 9)))
        (local.set $weights (i32.add (local.get $weights) (i32.const 12)))
        (br_if $groups (local.tee $left (i32.sub (local.get $left) (i32.const 3)))))
      (local.set $sum (i32x4.shr_u (local.get $sum) (i32.const 22)))
      (local.set $sum (i16x8.narrow_i32x4_u (local.get $sum) (local.get $sum)))
      (v128.store32_lane 0 (local.get $out) (i8x16.narrow_i16x8_u (local.get $sum) (local.get $sum)))
      (local.set $out (i32.add (local.get $out) (i32.const 3)))
      (local.set $starts (i32.add (local.get $starts) (i32.const 4)))
      (br_if $pixels (local.tee $width (i32.sub (local.get $width) (i32.const 1))))))

  ;; Writes `length` bytes to `out`, a multiple of 16: each the sum of the bytes at the same place of `taps` rows, whose
  ;; addresses are at `rows`, times the weights at `weights`.
  (func (export "mixRows")
    (param $rows i32) (param $weights i32) (param $taps i32) (param $out i32) (param $length i32)
    (local $at i32) (local $k i32) (local $bytes v128) (local $half v128) (local $weight v128)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local.set $taps (i32.shl (local.get $taps) (i32.const 2)))
    (loop $vectors
      (local.set $a (v128.const i32x4 0x200000 0x200000 0x200000 0x200000))
      (local.set $b (local.get $a))
      (local.set $c (local.get $a))
      (local.set $d (local.get $a))
      (local.set $k (i32.const 0))
      (loop $taps
        (local.set $weight (v128.load32_splat (i32.add (local.get $weights) (local.get $k))))
        (local.set $bytes
          (v128.load (i32.add (i32.load (i32.add (local.get $rows) (local.get $k))) (local.get $at))))
        (local.set $half (i16x8.extend_low_i8x16_u (local.get $bytes)))
        (local.set $a (i32x4.add (local.get $a)
          (i32x4.mul (i32x4.extend_low_i16x8_u (local.get $half)) (local.get $weight))))
        (local.set $b (i32x4.add (local.get $b)
          (i32x4.mul (i32x4.extend_high_i16x8_u (local.get $half)) (local.get $weight))))
        (local.set $half (i16x8.extend_high_i8x16_u (local.get $bytes)))
        (local.set $c (i32x4.add (local.get $c)
          (i32x4.mul (i32x4.extend_low_i16x8_u (local.get $half)) (local.get $weight))))
        (local.set $d (i32x4.add (local.get $d)
          (i32x4.mul (i32x4.extend_high_i16x8_u (local.get $half)) (local.get $weight))))
        (local.set $k (i32.add (local.get $k) (i32.const 4)))
        (br_if $taps (i32.lt_u (local.get $k) (local.get $taps))))
      (v128.store (i32.add (local.get $out) (local.get $at))
        (i8x16.narrow_i16x8_u
          (i16x8.narrow_i32x4_u
            (i32x4.shr_u (local.get $a) (i32.const 22)) (i32x4.shr_u (local.get $b) (i32.const 22)))
          (i16x8.narrow_i32x4_u
            (i32x4.shr_u (local.get $c) (i32.const 22)) (i32x4.shr_u (local.get $d) (i32.const 22)))))
      (local.set $at (i32.add (local.get $at) (i32.const 16)))
      (br_if $vectors (i32.lt_u (local.get $at) (local.get $length))))))
