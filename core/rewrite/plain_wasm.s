#include "textflag.h"

// func skipPlainWasm(b []byte, i int, hot *hotTable, class *[256]uint8) int
//
// The states are those of skipTag in attrs.go. Every exit leaves through the outermost block with the address of the
// last '<' in R2; what follows that '<' is then for the caller.
//
// R0 where it reads, R1 end of b, R2 the result, R3 a class, R4 a word, R5 eight quotes,
// R6 hot, R7 class, R8 start of the name, R9 a byte, R10 hot's half for this kind of tag
TEXT ·skipPlainWasm(SB), NOSPLIT, $0-56
	I64Load b_base+0(FP)
	I64Load b_len+8(FP)
	I64Add
	Set R1
	I64Load b_base+0(FP)
	I64Load i+24(FP)
	I64Add
	Set R0
	I64Load hot+32(FP)
	Set R6
	I64Load class+40(FP)
	Set R7

	Block // leave with R2
		Loop // a tag
			Block // found a '<'
				Loop // text
					Get R0
					I64Const $8
					I64Add
					Get R1
					I64LeU
					If // eight bytes at once
						Get R0
						I32WrapI64
						I64Load $0
						I64Const $0x3c3c3c3c3c3c3c3c
						I64Xor
						Tee R4
						I64Const $0x0101010101010101
						I64Sub
						Get R4
						I64Const $-1
						I64Xor
						I64And
						I64Const $0x8080808080808080
						I64And
						Tee R4
						I64Eqz
						If
							Get R0
							I64Const $8
							I64Add
							Set R0
							Br $2
						End
						Get R0
						Get R4
						I64Ctz
						I64Const $3
						I64ShrU
						I64Add
						Set R0
						Br $2
					End
					Get R0
					Get R1
					I64GeU
					If // no more
						Get R1
						Set R2
						Br $4
					End
					Get R0
					I32WrapI64
					I64Load8U $0
					I64Const $0x3c
					I64Eq
					BrIf $1
					Get R0
					I64Const $1
					I64Add
					Set R0
					Br $0
				End
			End

			Get R0
			Tee R2
			I64Const $1
			I64Add
			Tee R0
			I64Const $10
			I64Add
			Get R1
			I64GtU
			BrIf $1
			Get R6
			Set R10
			Get R0
			I32WrapI64
			I64Load8U $0
			Tee R9
			I64Const $0x2f
			I64Eq
			If // an end tag
				Get R0
				I64Const $1
				I64Add
				Tee R0
				I32WrapI64
				I64Load8U $0
				Set R9
				Get R6
				I64Const $512
				I64Add
				Set R10
			End
			Get R9
			I64Const $0x20
			I64Or
			I64Const $0x61
			I64Sub
			I64Const $26
			I64GeU
			BrIf $1

			Get R0
			Set R8
			Loop // its name, up to white space, '/' or '>'
				Get R0
				I64Const $1
				I64Add
				Tee R0
				Get R1
				I64GeU
				BrIf $2
				Get R0
				I32WrapI64
				I64Load8U $0
				Get R7
				I64Add
				I32WrapI64
				I64Load8U $0
				I64Const $1
				I64Sub
				I64Const $3
				I64GeU
				BrIf $0
			End
			Get R10
			Get R9
			I64Const $1
			I64Shl
			I64Add
			I32WrapI64
			I64Load16U $0
			Get R0
			Get R8
			I64Sub
			I64ShrU
			I64Const $1
			I64And
			I32WrapI64
			BrIf $1

			Loop // an attribute
				Get R0
				Get R1
				I64GeU
				BrIf $2
				Get R0
				I32WrapI64
				I64Load8U $0
				Get R7
				I64Add
				I32WrapI64
				I64Load8U $0
				Tee R3
				I64Const $3 // cClose
				I64Eq
				If
					Get R0
					I64Const $1
					I64Add
					Set R0
					Br $2
				End
				Get R3
				I64Const $1
				I64Sub
				I64Const $2
				I64LtU
				If // cSpace, cSlash
					Get R0
					I64Const $1
					I64Add
					Set R0
					Br $1
				End
				Loop // its name
					Get R0
					I64Const $1
					I64Add
					Tee R0
					Get R1
					I64GeU
					BrIf $3
					Get R0
					I32WrapI64
					I64Load8U $0
					Get R7
					I64Add
					I32WrapI64
					I64Load8U $0
					Tee R3
					I64Eqz
					BrIf $0
				End
				Get R3
				I64Const $1 // cSpace
				I64Eq
				If // an '=' may follow, which is left to the caller
					Loop
						Get R0
						I64Const $1
						I64Add
						Tee R0
						Get R1
						I64GeU
						BrIf $4
						Get R0
						I32WrapI64
						I64Load8U $0
						Get R7
						I64Add
						I32WrapI64
						I64Load8U $0
						Tee R3
						I64Const $1
						I64Eq
						BrIf $0
					End
					Get R3
					I64Const $4
					I64Eq
					BrIf $3
					Br $1
				End
				Get R3
				I64Const $4 // cEquals
				I64Ne
				BrIf $0
				Get R0
				I64Const $1
				I64Add
				Tee R0
				Get R1
				I64GeU
				BrIf $2
				Get R0
				I32WrapI64
				I64Load8U $0
				Tee R9
				I64Const $0x22
				I64Eq
				Get R9
				I64Const $0x27
				I64Eq
				I32Or
				If // quoted
					Get R0
					I64Const $1
					I64Add
					Set R0
					Get R9
					I64Const $0x0101010101010101
					I64Mul
					Set R5
					Loop
						Get R0
						I64Const $8
						I64Add
						Get R1
						I64LeU
						If
							Get R0
							I32WrapI64
							I64Load $0
							Get R5
							I64Xor
							Tee R4
							I64Const $0x0101010101010101
							I64Sub
							Get R4
							I64Const $-1
							I64Xor
							I64And
							I64Const $0x8080808080808080
							I64And
							Tee R4
							I64Eqz
							If
								Get R0
								I64Const $8
								I64Add
								Set R0
								Br $2
							End
							Get R0
							Get R4
							I64Ctz
							I64Const $3
							I64ShrU
							I64Add
							I64Const $1
							I64Add
							Set R0
							Br $3
						End
						Get R0
						Get R1
						I64GeU
						BrIf $4
						Get R0
						I32WrapI64
						I64Load8U $0
						Get R9
						I64Eq
						If
							Get R0
							I64Const $1
							I64Add
							Set R0
							Br $3
						End
						Get R0
						I64Const $1
						I64Add
						Set R0
						Br $0
					End
				End
				Get R9
				Get R7
				I64Add
				I32WrapI64
				I64Load8U $0
				I64Const $1
				I64And
				I32WrapI64
				BrIf $2 // white space or '>' after '='
				Loop // not quoted: up to cSpace or cClose, the odd classes
					Get R0
					I64Const $1
					I64Add
					Tee R0
					Get R1
					I64GeU
					BrIf $3
					Get R0
					I32WrapI64
					I64Load8U $0
					Get R7
					I64Add
					I32WrapI64
					I64Load8U $0
					I64Const $1
					I64And
					I64Eqz
					BrIf $0
				End
				Br $0
			End
		End
	End

	Get SP
	Get R2
	I64Load b_base+0(FP)
	I64Sub
	I64Store ret+48(FP)
	RET
