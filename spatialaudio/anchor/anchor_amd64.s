#include "textflag.h"

// Adds the samples Y12, Y13, Y14 times tap c to three sums.
#define TAP(c, s0, s1, s2) \
	VBROADCASTSS (4*c)(R8), Y15; \
	VFMADD231PS Y12, Y15, s0; \
	VFMADD231PS Y13, Y15, s1; \
	VFMADD231PS Y14, Y15, s2

// A signal of y is 264 samples, 1056 bytes, after the one before.
#define OUT(c, s0, s1, s2) \
	VMOVUPS s0, (1056*c)(DI); \
	VMOVUPS s1, (1056*c+32)(DI); \
	VMOVUPS s2, (1056*c+64)(DI)

// func convolveAVX2(y *[4][MaxDelay + Block]float32, x *[Taps - 1 + Block]float32, h *filters)
TEXT ·convolveAVX2(SB), NOSPLIT, $0-24
	MOVQ y+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ h+16(FP), DX
	ADDQ $96, DI              // past what was
	ADDQ $252, SI             // the first new sample
	MOVQ $10, CX

samples:
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1
	VXORPS Y2, Y2, Y2
	VXORPS Y3, Y3, Y3
	VXORPS Y4, Y4, Y4
	VXORPS Y5, Y5, Y5
	VXORPS Y6, Y6, Y6
	VXORPS Y7, Y7, Y7
	VXORPS Y8, Y8, Y8
	VXORPS Y9, Y9, Y9
	VXORPS Y10, Y10, Y10
	VXORPS Y11, Y11, Y11
	MOVQ DX, R8
	MOVQ SI, R9
	MOVQ $64, BX

taps:
	VMOVUPS (R9), Y12
	VMOVUPS 32(R9), Y13
	VMOVUPS 64(R9), Y14
	TAP(0, Y0, Y1, Y2)
	TAP(1, Y3, Y4, Y5)
	TAP(2, Y6, Y7, Y8)
	TAP(3, Y9, Y10, Y11)
	SUBQ $4, R9
	ADDQ $16, R8
	DECQ BX
	JNZ taps
	OUT(0, Y0, Y1, Y2)
	OUT(1, Y3, Y4, Y5)
	OUT(2, Y6, Y7, Y8)
	OUT(3, Y9, Y10, Y11)
	ADDQ $96, SI
	ADDQ $96, DI
	DECQ CX
	JNZ samples
	VZEROUPPER
	RET
