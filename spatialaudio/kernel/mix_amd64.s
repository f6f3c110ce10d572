#include "textflag.h"

// Complex.Im is IM bytes after Complex.Re; HISTORY bytes of each are old.
#define IM 4640
#define HISTORY 768

// Multiplies the source Y0, Y1 by the filter Y2, Y3 and adds it at n of acc.
#define EAR(n) \
	VMOVUPS (n)(DI), Y4; \
	VMOVUPS (n+32)(DI), Y5; \
	VFMADD231PS Y2, Y0, Y4; \
	VFMADD231PS Y3, Y0, Y5; \
	VFNMADD231PS Y3, Y1, Y4; \
	VFMADD231PS Y2, Y1, Y5; \
	VMOVUPS Y4, (n)(DI); \
	VMOVUPS Y5, (n+32)(DI)

// func multiplyAddAVX2(acc *Pair, x *Spectrum, h *Pair, gain float32, left uintptr)
TEXT ·multiplyAddAVX2(SB), NOSPLIT, $0-40
	MOVQ acc+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ h+16(FP), DX
	VBROADCASTSS gain+24(FP), Y15
	MOVQ left+32(FP), R8
	MOVQ $64, R9
	SUBQ R8, R9
	MOVQ $73, CX

bins:
	VMULPS (SI), Y15, Y0
	VMULPS 32(SI), Y15, Y1
	VMOVUPS (DX)(R8*1), Y2
	VMOVUPS 32(DX)(R8*1), Y3
	EAR(0)
	VMOVUPS (DX)(R9*1), Y2
	VMOVUPS 32(DX)(R9*1), Y3
	EAR(64)
	ADDQ $64, SI
	ADDQ $128, DX
	ADDQ $128, DI
	DECQ CX
	JNZ bins
	VZEROUPPER
	RET

// func filterAVX2(dst, x, w *Spectrum)
TEXT ·filterAVX2(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ w+16(FP), DX
	MOVQ $73, CX

weights:
	VMOVUPS (SI), Y0
	VMOVUPS 32(SI), Y1
	VMOVUPS (DX), Y2
	VMOVUPS 32(DX), Y3
	VMULPS Y2, Y0, Y4
	VMULPS Y3, Y0, Y5
	VFNMADD231PS Y3, Y1, Y4
	VFMADD231PS Y2, Y1, Y5
	VMOVUPS Y4, (DI)
	VMOVUPS Y5, 32(DI)
	ADDQ $64, SI
	ADDQ $64, DX
	ADDQ $64, DI
	DECQ CX
	JNZ weights
	VZEROUPPER
	RET

// func addAVX2(acc, x *Pair, gain float32)
TEXT ·addAVX2(SB), NOSPLIT, $0-20
	MOVQ acc+0(FP), DI
	MOVQ x+8(FP), SI
	VBROADCASTSS gain+16(FP), Y15
	MOVQ $73, CX

ears:
	VMOVUPS (DI), Y0
	VMOVUPS 32(DI), Y1
	VMOVUPS 64(DI), Y2
	VMOVUPS 96(DI), Y3
	VFMADD231PS (SI), Y15, Y0
	VFMADD231PS 32(SI), Y15, Y1
	VFMADD231PS 64(SI), Y15, Y2
	VFMADD231PS 96(SI), Y15, Y3
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, 32(DI)
	VMOVUPS Y2, 64(DI)
	VMOVUPS Y3, 96(DI)
	ADDQ $128, SI
	ADDQ $128, DI
	DECQ CX
	JNZ ears
	VZEROUPPER
	RET

DATA reverse<>+0(SB)/4, $7
DATA reverse<>+4(SB)/4, $6
DATA reverse<>+8(SB)/4, $5
DATA reverse<>+12(SB)/4, $4
DATA reverse<>+16(SB)/4, $3
DATA reverse<>+20(SB)/4, $2
DATA reverse<>+24(SB)/4, $1
DATA reverse<>+28(SB)/4, $0
GLOBL reverse<>(SB), RODATA|NOPTR, $32

// The sums of a and b at n: left Y0, Y1, right Y2, Y3.
#define EARS(n) \
	VMOVUPS (n)(SI), Y0; \
	VMOVUPS (n+32)(SI), Y1; \
	VMOVUPS (n+64)(SI), Y2; \
	VMOVUPS (n+96)(SI), Y3; \
	VADDPS (n)(DX), Y0, Y0; \
	VADDPS (n+32)(DX), Y1, Y1; \
	VADDPS (n+64)(DX), Y2, Y2; \
	VADDPS (n+96)(DX), Y3, Y3

// func packAVX2(z *Complex, a, b *Pair)
TEXT ·packAVX2(SB), NOSPLIT, $0-24
	MOVQ z+0(FP), DI
	MOVQ a+8(FP), SI
	MOVQ b+16(FP), DX
	LEAQ 4580(DI), BX         // bin N-7, the last of the mirrored first eight
	VMOVUPS reverse<>(SB), Y15
	// The last vector has one bin; what it writes beyond is overwritten.
	EARS(72*128)
	VADDPS Y2, Y1, Y4
	VSUBPS Y3, Y0, Y5
	VMOVUPS Y4, (72*32)(DI)
	VMOVUPS Y5, (IM+72*32)(DI)
	MOVQ $72, CX

packed:
	EARS(0)
	VADDPS Y2, Y1, Y4
	VSUBPS Y3, Y0, Y5
	VSUBPS Y1, Y2, Y6
	VADDPS Y3, Y0, Y7
	VPERMPS Y6, Y15, Y6
	VPERMPS Y7, Y15, Y7
	VMOVUPS Y4, (DI)
	VMOVUPS Y5, IM(DI)
	VMOVUPS Y6, (BX)
	VMOVUPS Y7, IM(BX)
	ADDQ $128, SI
	ADDQ $128, DX
	ADDQ $32, DI
	SUBQ $32, BX
	DECQ CX
	JNZ packed
	VZEROUPPER
	RET

// Stores left Y0 and right Y1 in turns.
#define INTERLEAVE \
	VUNPCKLPS Y1, Y0, Y2; \
	VUNPCKHPS Y1, Y0, Y3; \
	VPERM2F128 $0x20, Y3, Y2, Y4; \
	VPERM2F128 $0x31, Y3, Y2, Y5; \
	VMOVUPS Y4, (DI); \
	VMOVUPS Y5, 32(DI); \
	ADDQ $64, DI

// func interleaveAVX2(out *Stereo, z *Complex)
TEXT ·interleaveAVX2(SB), NOSPLIT, $0-16
	MOVQ out+0(FP), DI
	MOVQ z+8(FP), SI
	MOVQ $120, CX

samples:
	VMOVUPS (IM+HISTORY)(SI), Y0
	VMOVUPS HISTORY(SI), Y1
	INTERLEAVE
	ADDQ $32, SI
	DECQ CX
	JNZ samples
	VZEROUPPER
	RET

// func crossfadeAVX2(out *Stereo, was, is *Complex, fade *[Block]float32)
TEXT ·crossfadeAVX2(SB), NOSPLIT, $0-32
	MOVQ out+0(FP), DI
	MOVQ was+8(FP), DX
	MOVQ is+16(FP), SI
	MOVQ fade+24(FP), BX
	MOVQ $120, CX

fading:
	VMOVUPS (BX), Y6
	VMOVUPS (IM+HISTORY)(SI), Y0
	VMOVUPS (IM+HISTORY)(DX), Y2
	VSUBPS Y0, Y2, Y2
	VFMADD231PS Y6, Y2, Y0
	VMOVUPS HISTORY(SI), Y1
	VMOVUPS HISTORY(DX), Y3
	VSUBPS Y1, Y3, Y3
	VFMADD231PS Y6, Y3, Y1
	INTERLEAVE
	ADDQ $32, SI
	ADDQ $32, DX
	ADDQ $32, BX
	DECQ CX
	JNZ fading
	VZEROUPPER
	RET
