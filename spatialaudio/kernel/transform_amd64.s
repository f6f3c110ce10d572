#include "textflag.h"

// Complex.Im is IM bytes after Complex.Re.
#define IM 4640

// sin60 of transform.go, a half, and the square root of a half.
DATA sin60<>+0(SB)/4, $0x3f5db3d7
GLOBL sin60<>(SB), RODATA|NOPTR, $4
DATA half<>+0(SB)/4, $0x3f000000
GLOBL half<>(SB), RODATA|NOPTR, $4
DATA root<>+0(SB)/4, $0x3f3504f3
GLOBL root<>(SB), RODATA|NOPTR, $4

// (re, im) *= (wr, wi), with two registers to work in.
#define TIMES(wr, wi, re, im, t, u) \
	VMULPS wi, im, t; \
	VMULPS wi, re, u; \
	VFMSUB213PS t, wr, re; \
	VFMADD213PS u, wr, im

// func radix4AVX2(dst, src *Complex, tw *[6]float32, m, s int)
TEXT ·radix4AVX2(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ tw+16(FP), DX
	MOVQ m+24(FP), R8
	MOVQ s+32(FP), R9
	MOVQ R9, R11
	SHLQ $5, R11              // s vectors
	MOVQ R11, R10
	IMULQ R8, R10             // m*s vectors
	LEAQ (R10)(R10*2), R12
	LEAQ (R11)(R11*2), R13

group4:
	VBROADCASTSS 0(DX), Y10
	VBROADCASTSS 4(DX), Y11
	VBROADCASTSS 8(DX), Y12
	VBROADCASTSS 12(DX), Y13
	VBROADCASTSS 16(DX), Y14
	VBROADCASTSS 20(DX), Y15
	ADDQ $24, DX
	MOVQ R9, CX

point4:
	VMOVUPS (SI), Y0
	VMOVUPS IM(SI), Y1
	VMOVUPS (SI)(R10*1), Y2
	VMOVUPS IM(SI)(R10*1), Y3
	VMOVUPS (SI)(R10*2), Y4
	VMOVUPS IM(SI)(R10*2), Y5
	VMOVUPS (SI)(R12*1), Y6
	VMOVUPS IM(SI)(R12*1), Y7
	VADDPS Y4, Y0, Y8         // a = x0 + x2
	VADDPS Y5, Y1, Y9
	VSUBPS Y4, Y0, Y0         // b = x0 - x2
	VSUBPS Y5, Y1, Y1
	VADDPS Y6, Y2, Y4         // c = x1 + x3
	VADDPS Y7, Y3, Y5
	VSUBPS Y6, Y2, Y2         // d = x1 - x3
	VSUBPS Y7, Y3, Y3
	VADDPS Y4, Y8, Y6
	VADDPS Y5, Y9, Y7
	VMOVUPS Y6, (DI)
	VMOVUPS Y7, IM(DI)
	VSUBPS Y4, Y8, Y8
	VSUBPS Y5, Y9, Y9
	TIMES(Y12, Y13, Y8, Y9, Y4, Y5)
	VMOVUPS Y8, (DI)(R11*2)
	VMOVUPS Y9, IM(DI)(R11*2)
	VADDPS Y3, Y0, Y4         // b - jd
	VSUBPS Y2, Y1, Y5
	TIMES(Y10, Y11, Y4, Y5, Y6, Y7)
	VMOVUPS Y4, (DI)(R11*1)
	VMOVUPS Y5, IM(DI)(R11*1)
	VSUBPS Y3, Y0, Y8         // b + jd
	VADDPS Y2, Y1, Y9
	TIMES(Y14, Y15, Y8, Y9, Y6, Y7)
	VMOVUPS Y8, (DI)(R13*1)
	VMOVUPS Y9, IM(DI)(R13*1)
	ADDQ $32, SI
	ADDQ $32, DI
	DECQ CX
	JNZ point4
	ADDQ R13, DI
	DECQ R8
	JNZ group4
	VZEROUPPER
	RET

// Loads a radix-3 butterfly, stores its first point and leaves the others in
// Y4, Y5 and Y8, Y9.
#define BUTTERFLY3 \
	VMOVUPS (SI), Y0; \
	VMOVUPS IM(SI), Y1; \
	VMOVUPS (SI)(R10*1), Y2; \
	VMOVUPS IM(SI)(R10*1), Y3; \
	VMOVUPS (SI)(R10*2), Y4; \
	VMOVUPS IM(SI)(R10*2), Y5; \
	VADDPS Y4, Y2, Y6; \
	VADDPS Y5, Y3, Y7; \
	VSUBPS Y4, Y2, Y2; \
	VSUBPS Y5, Y3, Y3; \
	VMULPS Y14, Y2, Y2; \
	VMULPS Y14, Y3, Y3; \
	VADDPS Y6, Y0, Y4; \
	VADDPS Y7, Y1, Y5; \
	VMOVUPS Y4, (DI); \
	VMOVUPS Y5, IM(DI); \
	VFNMADD231PS Y15, Y6, Y0; \
	VFNMADD231PS Y15, Y7, Y1; \
	VADDPS Y3, Y0, Y4; \
	VSUBPS Y2, Y1, Y5; \
	VSUBPS Y3, Y0, Y8; \
	VADDPS Y2, Y1, Y9

#define STORE3 \
	VMOVUPS Y4, (DI)(R11*1); \
	VMOVUPS Y5, IM(DI)(R11*1); \
	VMOVUPS Y8, (DI)(R11*2); \
	VMOVUPS Y9, IM(DI)(R11*2); \
	ADDQ $32, SI; \
	ADDQ $32, DI

// func radix3AVX2(dst, src *Complex, tw *[4]float32, m, s int)
TEXT ·radix3AVX2(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ tw+16(FP), DX
	MOVQ m+24(FP), R8
	MOVQ s+32(FP), R9
	MOVQ R9, R11
	SHLQ $5, R11
	MOVQ R11, R10
	IMULQ R8, R10
	VBROADCASTSS sin60<>(SB), Y14
	VBROADCASTSS half<>(SB), Y15

group3:
	MOVQ R9, CX
	TESTQ DX, DX
	JZ plain3
	VBROADCASTSS 0(DX), Y10
	VBROADCASTSS 4(DX), Y11
	VBROADCASTSS 8(DX), Y12
	VBROADCASTSS 12(DX), Y13
	ADDQ $16, DX

point3:
	BUTTERFLY3
	TIMES(Y10, Y11, Y4, Y5, Y6, Y7)
	TIMES(Y12, Y13, Y8, Y9, Y6, Y7)
	STORE3
	DECQ CX
	JNZ point3
	JMP next3

plain3:
	BUTTERFLY3
	STORE3
	DECQ CX
	JNZ plain3

next3:
	LEAQ (DI)(R11*2), DI
	DECQ R8
	JNZ group3
	VZEROUPPER
	RET

// Multiplies row r of eight by its twiddles, in place.
#define TWIDDLE(r) \
	VMOVUPS (32*r)(SI), Y0; \
	VMOVUPS (IM+32*r)(SI), Y1; \
	VMOVUPS (64*r)(DX), Y2; \
	VMOVUPS (64*r+32)(DX), Y3; \
	TIMES(Y2, Y3, Y0, Y1, Y4, Y5); \
	VMOVUPS Y0, (32*r)(SI); \
	VMOVUPS Y1, (IM+32*r)(SI)

// Transposes columns 4h to 4h+3 of the eight rows at from into the rows at to of
// the stack.
#define TRANSPOSE(from, h, to) \
	VMOVUPS (from+16*h)(SI), X0; \
	VMOVUPS (from+16*h+32)(SI), X1; \
	VMOVUPS (from+16*h+64)(SI), X2; \
	VMOVUPS (from+16*h+96)(SI), X3; \
	VINSERTF128 $1, (from+16*h+128)(SI), Y0, Y0; \
	VINSERTF128 $1, (from+16*h+160)(SI), Y1, Y1; \
	VINSERTF128 $1, (from+16*h+192)(SI), Y2, Y2; \
	VINSERTF128 $1, (from+16*h+224)(SI), Y3, Y3; \
	VUNPCKLPS Y1, Y0, Y4; \
	VUNPCKHPS Y1, Y0, Y5; \
	VUNPCKLPS Y3, Y2, Y6; \
	VUNPCKHPS Y3, Y2, Y7; \
	VSHUFPS $0x44, Y6, Y4, Y0; \
	VSHUFPS $0xee, Y6, Y4, Y1; \
	VSHUFPS $0x44, Y7, Y5, Y2; \
	VSHUFPS $0xee, Y7, Y5, Y3; \
	VMOVUPS Y0, (to+128*h)(SP); \
	VMOVUPS Y1, (to+128*h+32)(SP); \
	VMOVUPS Y2, (to+128*h+64)(SP); \
	VMOVUPS Y3, (to+128*h+96)(SP)

// Transforms the four rows at n, n+64, ... of the stack (imaginary parts 256
// further) into Y4, Y5; Y8, Y9; Y6, Y7; Y10, Y11.
#define FOUR(n) \
	VMOVUPS (n)(SP), Y0; \
	VMOVUPS (n+256)(SP), Y1; \
	VMOVUPS (n+64)(SP), Y2; \
	VMOVUPS (n+320)(SP), Y3; \
	VMOVUPS (n+128)(SP), Y4; \
	VMOVUPS (n+384)(SP), Y5; \
	VMOVUPS (n+192)(SP), Y6; \
	VMOVUPS (n+448)(SP), Y7; \
	VADDPS Y4, Y0, Y8; \
	VADDPS Y5, Y1, Y9; \
	VSUBPS Y4, Y0, Y0; \
	VSUBPS Y5, Y1, Y1; \
	VADDPS Y6, Y2, Y10; \
	VADDPS Y7, Y3, Y11; \
	VSUBPS Y6, Y2, Y2; \
	VSUBPS Y7, Y3, Y3; \
	VADDPS Y10, Y8, Y4; \
	VADDPS Y11, Y9, Y5; \
	VSUBPS Y10, Y8, Y6; \
	VSUBPS Y11, Y9, Y7; \
	VADDPS Y3, Y0, Y8; \
	VSUBPS Y2, Y1, Y9; \
	VSUBPS Y3, Y0, Y10; \
	VADDPS Y2, Y1, Y11

// Stores row e of the stack plus y as point k of dst, and less y as point k+4.
#define SUM(e, y, at) \
	VMOVUPS (e)(SP), Y12; \
	VADDPS y, Y12, Y13; \
	VSUBPS y, Y12, Y12; \
	VMOVUPS Y13, (at)(DI); \
	VMOVUPS Y12, (at+2304)(DI)

// As SUM, with y subtracted first.
#define DIFFERENCE(e, y, at) \
	VMOVUPS (e)(SP), Y12; \
	VSUBPS y, Y12, Y13; \
	VADDPS y, Y12, Y12; \
	VMOVUPS Y13, (at)(DI); \
	VMOVUPS Y12, (at+2304)(DI)

// func finishAVX2(dst, src *Complex, last *[columns][2][Lanes]float32)
TEXT ·finishAVX2(SB), NOSPLIT, $512-24
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ last+16(FP), DX
	MOVQ $18, CX
	VBROADCASTSS root<>(SB), Y15

eight:
	TWIDDLE(0)
	TWIDDLE(1)
	TWIDDLE(2)
	TWIDDLE(3)
	TWIDDLE(4)
	TWIDDLE(5)
	TWIDDLE(6)
	TWIDDLE(7)
	TRANSPOSE(0, 0, 0)
	TRANSPOSE(0, 1, 0)
	TRANSPOSE(IM, 0, 256)
	TRANSPOSE(IM, 1, 256)

	FOUR(0)
	VMOVUPS Y4, 0(SP)
	VMOVUPS Y5, 256(SP)
	VMOVUPS Y8, 64(SP)
	VMOVUPS Y9, 320(SP)
	VMOVUPS Y6, 128(SP)
	VMOVUPS Y7, 384(SP)
	VMOVUPS Y10, 192(SP)
	VMOVUPS Y11, 448(SP)

	FOUR(32)
	VADDPS Y9, Y8, Y0         // times (1-j) root
	VSUBPS Y8, Y9, Y1
	VMULPS Y15, Y0, Y8
	VMULPS Y15, Y1, Y9
	VSUBPS Y10, Y11, Y0       // times (-1-j) root, the imaginary part negated
	VADDPS Y10, Y11, Y1
	VMULPS Y15, Y0, Y10
	VMULPS Y15, Y1, Y11

	// A point is 144 columns, 576 bytes, after the one before.
	SUM(0, Y4, 0)
	SUM(256, Y5, IM)
	SUM(64, Y8, 576)
	SUM(320, Y9, IM+576)
	SUM(128, Y7, 1152)        // times -j
	DIFFERENCE(384, Y6, IM+1152)
	SUM(192, Y10, 1728)
	DIFFERENCE(448, Y11, IM+1728)

	ADDQ $256, SI
	ADDQ $512, DX
	ADDQ $32, DI
	DECQ CX
	JNZ eight
	VZEROUPPER
	RET
