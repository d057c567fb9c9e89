//! The vector instructions this back end uses, one row each.
//!
//! A row names the 128-bit form of an instruction in both encodings. The assembler's list of codes has the 256- and
//! 512-bit forms right behind it, so that a length is an offset; a test holds that. On AVX-512 machines the EVEX form
//! serves for all lengths, because only it reaches registers 16 to 31.

use iced_x86::Code;

use super::Level;

/// One instruction in all its lengths.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Row {
    pub vex: Option<Code>,
    pub evex: Option<Code>,
}

/// Length of a vector instruction.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Length {
    Xmm,
    Ymm,
    Zmm,
}

impl Length {
    /// The shortest one that holds that many bytes.
    pub fn of(bytes: usize) -> Length {
        match bytes {
            0..=16 => Length::Xmm,
            17..=32 => Length::Ymm,
            _ => Length::Zmm,
        }
    }
}

impl Row {
    /// The instruction of this length, if the level has it.
    pub fn code(self, level: Level, length: Length) -> Option<Code> {
        let first = match level {
            Level::Avx2 if length == Length::Zmm => None,
            Level::Avx2 => self.vex,
            Level::Avx512 => self.evex,
        }?;
        Code::try_from(first as usize + length as usize).ok()
    }
}

const fn both(vex: Code, evex: Code) -> Row {
    Row { vex: Some(vex), evex: Some(evex) }
}
const fn vex(code: Code) -> Row {
    Row { vex: Some(code), evex: None }
}
const fn evex(code: Code) -> Row {
    Row { vex: None, evex: Some(code) }
}

macro_rules! rows {
    ($($name:ident $kind:ident($($code:ident),+);)*) => {
        $(pub const $name: Row = $kind($(Code::$code),+);)*
        #[cfg(test)]
        pub const ALL: &[(&str, Row)] = &[$((stringify!($name), $name)),*];
    };
}

rows! {
    ADD_PD both(VEX_Vaddpd_xmm_xmm_xmmm128, EVEX_Vaddpd_xmm_k1z_xmm_xmmm128b64);
    ADD_PS both(VEX_Vaddps_xmm_xmm_xmmm128, EVEX_Vaddps_xmm_k1z_xmm_xmmm128b32);
    SUB_PD both(VEX_Vsubpd_xmm_xmm_xmmm128, EVEX_Vsubpd_xmm_k1z_xmm_xmmm128b64);
    SUB_PS both(VEX_Vsubps_xmm_xmm_xmmm128, EVEX_Vsubps_xmm_k1z_xmm_xmmm128b32);
    MUL_PD both(VEX_Vmulpd_xmm_xmm_xmmm128, EVEX_Vmulpd_xmm_k1z_xmm_xmmm128b64);
    MUL_PS both(VEX_Vmulps_xmm_xmm_xmmm128, EVEX_Vmulps_xmm_k1z_xmm_xmmm128b32);
    DIV_PD both(VEX_Vdivpd_xmm_xmm_xmmm128, EVEX_Vdivpd_xmm_k1z_xmm_xmmm128b64);
    DIV_PS both(VEX_Vdivps_xmm_xmm_xmmm128, EVEX_Vdivps_xmm_k1z_xmm_xmmm128b32);
    SQRT_PD both(VEX_Vsqrtpd_xmm_xmmm128, EVEX_Vsqrtpd_xmm_k1z_xmmm128b64);
    SQRT_PS both(VEX_Vsqrtps_xmm_xmmm128, EVEX_Vsqrtps_xmm_k1z_xmmm128b32);
    ROUND_PD both(VEX_Vroundpd_xmm_xmmm128_imm8, EVEX_Vrndscalepd_xmm_k1z_xmmm128b64_imm8);
    ROUND_PS both(VEX_Vroundps_xmm_xmmm128_imm8, EVEX_Vrndscaleps_xmm_k1z_xmmm128b32_imm8);
    CMP_PD both(VEX_Vcmppd_xmm_xmm_xmmm128_imm8, EVEX_Vcmppd_kr_k1_xmm_xmmm128b64_imm8);
    CMP_PS both(VEX_Vcmpps_xmm_xmm_xmmm128_imm8, EVEX_Vcmpps_kr_k1_xmm_xmmm128b32_imm8);
    FMADD213_PD both(VEX_Vfmadd213pd_xmm_xmm_xmmm128, EVEX_Vfmadd213pd_xmm_k1z_xmm_xmmm128b64);
    FMADD213_PS both(VEX_Vfmadd213ps_xmm_xmm_xmmm128, EVEX_Vfmadd213ps_xmm_k1z_xmm_xmmm128b32);

    AND both(VEX_Vpand_xmm_xmm_xmmm128, EVEX_Vpandq_xmm_k1z_xmm_xmmm128b64);
    ANDN both(VEX_Vpandn_xmm_xmm_xmmm128, EVEX_Vpandnq_xmm_k1z_xmm_xmmm128b64);
    OR both(VEX_Vpor_xmm_xmm_xmmm128, EVEX_Vporq_xmm_k1z_xmm_xmmm128b64);
    XOR both(VEX_Vpxor_xmm_xmm_xmmm128, EVEX_Vpxorq_xmm_k1z_xmm_xmmm128b64);

    ADD_B both(VEX_Vpaddb_xmm_xmm_xmmm128, EVEX_Vpaddb_xmm_k1z_xmm_xmmm128);
    ADD_W both(VEX_Vpaddw_xmm_xmm_xmmm128, EVEX_Vpaddw_xmm_k1z_xmm_xmmm128);
    ADD_D both(VEX_Vpaddd_xmm_xmm_xmmm128, EVEX_Vpaddd_xmm_k1z_xmm_xmmm128b32);
    ADD_Q both(VEX_Vpaddq_xmm_xmm_xmmm128, EVEX_Vpaddq_xmm_k1z_xmm_xmmm128b64);
    SUB_B both(VEX_Vpsubb_xmm_xmm_xmmm128, EVEX_Vpsubb_xmm_k1z_xmm_xmmm128);
    SUB_W both(VEX_Vpsubw_xmm_xmm_xmmm128, EVEX_Vpsubw_xmm_k1z_xmm_xmmm128);
    SUB_D both(VEX_Vpsubd_xmm_xmm_xmmm128, EVEX_Vpsubd_xmm_k1z_xmm_xmmm128b32);
    SUB_Q both(VEX_Vpsubq_xmm_xmm_xmmm128, EVEX_Vpsubq_xmm_k1z_xmm_xmmm128b64);
    MUL_W both(VEX_Vpmullw_xmm_xmm_xmmm128, EVEX_Vpmullw_xmm_k1z_xmm_xmmm128);
    MUL_D both(VEX_Vpmulld_xmm_xmm_xmmm128, EVEX_Vpmulld_xmm_k1z_xmm_xmmm128b32);
    MUL_Q evex(EVEX_Vpmullq_xmm_k1z_xmm_xmmm128b64);
    MUL_UDQ both(VEX_Vpmuludq_xmm_xmm_xmmm128, EVEX_Vpmuludq_xmm_k1z_xmm_xmmm128b64);
    MINS_B both(VEX_Vpminsb_xmm_xmm_xmmm128, EVEX_Vpminsb_xmm_k1z_xmm_xmmm128);
    MINS_W both(VEX_Vpminsw_xmm_xmm_xmmm128, EVEX_Vpminsw_xmm_k1z_xmm_xmmm128);
    MINS_D both(VEX_Vpminsd_xmm_xmm_xmmm128, EVEX_Vpminsd_xmm_k1z_xmm_xmmm128b32);
    MINS_Q evex(EVEX_Vpminsq_xmm_k1z_xmm_xmmm128b64);
    MAXS_B both(VEX_Vpmaxsb_xmm_xmm_xmmm128, EVEX_Vpmaxsb_xmm_k1z_xmm_xmmm128);
    MAXS_W both(VEX_Vpmaxsw_xmm_xmm_xmmm128, EVEX_Vpmaxsw_xmm_k1z_xmm_xmmm128);
    MAXS_D both(VEX_Vpmaxsd_xmm_xmm_xmmm128, EVEX_Vpmaxsd_xmm_k1z_xmm_xmmm128b32);
    MAXS_Q evex(EVEX_Vpmaxsq_xmm_k1z_xmm_xmmm128b64);
    MINU_B both(VEX_Vpminub_xmm_xmm_xmmm128, EVEX_Vpminub_xmm_k1z_xmm_xmmm128);
    MINU_W both(VEX_Vpminuw_xmm_xmm_xmmm128, EVEX_Vpminuw_xmm_k1z_xmm_xmmm128);
    MINU_D both(VEX_Vpminud_xmm_xmm_xmmm128, EVEX_Vpminud_xmm_k1z_xmm_xmmm128b32);
    MINU_Q evex(EVEX_Vpminuq_xmm_k1z_xmm_xmmm128b64);
    MAXU_B both(VEX_Vpmaxub_xmm_xmm_xmmm128, EVEX_Vpmaxub_xmm_k1z_xmm_xmmm128);
    MAXU_W both(VEX_Vpmaxuw_xmm_xmm_xmmm128, EVEX_Vpmaxuw_xmm_k1z_xmm_xmmm128);
    MAXU_D both(VEX_Vpmaxud_xmm_xmm_xmmm128, EVEX_Vpmaxud_xmm_k1z_xmm_xmmm128b32);
    MAXU_Q evex(EVEX_Vpmaxuq_xmm_k1z_xmm_xmmm128b64);
    ABS_B both(VEX_Vpabsb_xmm_xmmm128, EVEX_Vpabsb_xmm_k1z_xmmm128);
    ABS_W both(VEX_Vpabsw_xmm_xmmm128, EVEX_Vpabsw_xmm_k1z_xmmm128);
    ABS_D both(VEX_Vpabsd_xmm_xmmm128, EVEX_Vpabsd_xmm_k1z_xmmm128b32);
    ABS_Q evex(EVEX_Vpabsq_xmm_k1z_xmmm128b64);

    CMPEQ_B vex(VEX_Vpcmpeqb_xmm_xmm_xmmm128);
    CMPEQ_W vex(VEX_Vpcmpeqw_xmm_xmm_xmmm128);
    CMPEQ_D vex(VEX_Vpcmpeqd_xmm_xmm_xmmm128);
    CMPEQ_Q vex(VEX_Vpcmpeqq_xmm_xmm_xmmm128);
    CMPGT_B vex(VEX_Vpcmpgtb_xmm_xmm_xmmm128);
    CMPGT_W vex(VEX_Vpcmpgtw_xmm_xmm_xmmm128);
    CMPGT_D vex(VEX_Vpcmpgtd_xmm_xmm_xmmm128);
    CMPGT_Q vex(VEX_Vpcmpgtq_xmm_xmm_xmmm128);
    CMP_B evex(EVEX_Vpcmpb_kr_k1_xmm_xmmm128_imm8);
    CMP_W evex(EVEX_Vpcmpw_kr_k1_xmm_xmmm128_imm8);
    CMP_D evex(EVEX_Vpcmpd_kr_k1_xmm_xmmm128b32_imm8);
    CMP_Q evex(EVEX_Vpcmpq_kr_k1_xmm_xmmm128b64_imm8);
    CMPU_B evex(EVEX_Vpcmpub_kr_k1_xmm_xmmm128_imm8);
    CMPU_W evex(EVEX_Vpcmpuw_kr_k1_xmm_xmmm128_imm8);
    CMPU_D evex(EVEX_Vpcmpud_kr_k1_xmm_xmmm128b32_imm8);
    CMPU_Q evex(EVEX_Vpcmpuq_kr_k1_xmm_xmmm128b64_imm8);
    TEST_B evex(EVEX_Vptestmb_kr_k1_xmm_xmmm128);
    TEST_W evex(EVEX_Vptestmw_kr_k1_xmm_xmmm128);
    TEST_D evex(EVEX_Vptestmd_kr_k1_xmm_xmmm128b32);
    TEST_Q evex(EVEX_Vptestmq_kr_k1_xmm_xmmm128b64);
    BLEND_B evex(EVEX_Vpblendmb_xmm_k1z_xmm_xmmm128);
    BLEND_W evex(EVEX_Vpblendmw_xmm_k1z_xmm_xmmm128);
    BLEND_D evex(EVEX_Vpblendmd_xmm_k1z_xmm_xmmm128b32);
    BLEND_Q evex(EVEX_Vpblendmq_xmm_k1z_xmm_xmmm128b64);
    BLENDV_B vex(VEX_Vpblendvb_xmm_xmm_xmmm128_xmm);
    BLENDV_PS vex(VEX_Vblendvps_xmm_xmm_xmmm128_xmm);
    BLENDV_PD vex(VEX_Vblendvpd_xmm_xmm_xmmm128_xmm);

    SLL_W both(VEX_Vpsllw_xmm_xmm_imm8, EVEX_Vpsllw_xmm_k1z_xmmm128_imm8);
    SLL_D both(VEX_Vpslld_xmm_xmm_imm8, EVEX_Vpslld_xmm_k1z_xmmm128b32_imm8);
    SLL_Q both(VEX_Vpsllq_xmm_xmm_imm8, EVEX_Vpsllq_xmm_k1z_xmmm128b64_imm8);
    SRL_W both(VEX_Vpsrlw_xmm_xmm_imm8, EVEX_Vpsrlw_xmm_k1z_xmmm128_imm8);
    SRL_D both(VEX_Vpsrld_xmm_xmm_imm8, EVEX_Vpsrld_xmm_k1z_xmmm128b32_imm8);
    SRL_Q both(VEX_Vpsrlq_xmm_xmm_imm8, EVEX_Vpsrlq_xmm_k1z_xmmm128b64_imm8);
    SRA_W both(VEX_Vpsraw_xmm_xmm_imm8, EVEX_Vpsraw_xmm_k1z_xmmm128_imm8);
    SRA_D both(VEX_Vpsrad_xmm_xmm_imm8, EVEX_Vpsrad_xmm_k1z_xmmm128b32_imm8);
    SLLV_W evex(EVEX_Vpsllvw_xmm_k1z_xmm_xmmm128);
    SLLV_D both(VEX_Vpsllvd_xmm_xmm_xmmm128, EVEX_Vpsllvd_xmm_k1z_xmm_xmmm128b32);
    SLLV_Q both(VEX_Vpsllvq_xmm_xmm_xmmm128, EVEX_Vpsllvq_xmm_k1z_xmm_xmmm128b64);
    SRLV_W evex(EVEX_Vpsrlvw_xmm_k1z_xmm_xmmm128);
    SRLV_D both(VEX_Vpsrlvd_xmm_xmm_xmmm128, EVEX_Vpsrlvd_xmm_k1z_xmm_xmmm128b32);
    SRLV_Q both(VEX_Vpsrlvq_xmm_xmm_xmmm128, EVEX_Vpsrlvq_xmm_k1z_xmm_xmmm128b64);
    SRAV_W evex(EVEX_Vpsravw_xmm_k1z_xmm_xmmm128);
    SRAV_D both(VEX_Vpsravd_xmm_xmm_xmmm128, EVEX_Vpsravd_xmm_k1z_xmm_xmmm128b32);
    SRAV_Q evex(EVEX_Vpsravq_xmm_k1z_xmm_xmmm128b64);

    SX_BW both(VEX_Vpmovsxbw_xmm_xmmm64, EVEX_Vpmovsxbw_xmm_k1z_xmmm64);
    SX_BD both(VEX_Vpmovsxbd_xmm_xmmm32, EVEX_Vpmovsxbd_xmm_k1z_xmmm32);
    SX_BQ both(VEX_Vpmovsxbq_xmm_xmmm16, EVEX_Vpmovsxbq_xmm_k1z_xmmm16);
    SX_WD both(VEX_Vpmovsxwd_xmm_xmmm64, EVEX_Vpmovsxwd_xmm_k1z_xmmm64);
    SX_WQ both(VEX_Vpmovsxwq_xmm_xmmm32, EVEX_Vpmovsxwq_xmm_k1z_xmmm32);
    SX_DQ both(VEX_Vpmovsxdq_xmm_xmmm64, EVEX_Vpmovsxdq_xmm_k1z_xmmm64);
    ZX_BW both(VEX_Vpmovzxbw_xmm_xmmm64, EVEX_Vpmovzxbw_xmm_k1z_xmmm64);
    ZX_BD both(VEX_Vpmovzxbd_xmm_xmmm32, EVEX_Vpmovzxbd_xmm_k1z_xmmm32);
    ZX_BQ both(VEX_Vpmovzxbq_xmm_xmmm16, EVEX_Vpmovzxbq_xmm_k1z_xmmm16);
    ZX_WD both(VEX_Vpmovzxwd_xmm_xmmm64, EVEX_Vpmovzxwd_xmm_k1z_xmmm64);
    ZX_WQ both(VEX_Vpmovzxwq_xmm_xmmm32, EVEX_Vpmovzxwq_xmm_k1z_xmmm32);
    ZX_DQ both(VEX_Vpmovzxdq_xmm_xmmm64, EVEX_Vpmovzxdq_xmm_k1z_xmmm64);
    CUT_WB evex(EVEX_Vpmovwb_xmmm64_k1z_xmm);
    CUT_DB evex(EVEX_Vpmovdb_xmmm32_k1z_xmm);
    CUT_QB evex(EVEX_Vpmovqb_xmmm16_k1z_xmm);
    CUT_DW evex(EVEX_Vpmovdw_xmmm64_k1z_xmm);
    CUT_QW evex(EVEX_Vpmovqw_xmmm32_k1z_xmm);
    CUT_QD evex(EVEX_Vpmovqd_xmmm64_k1z_xmm);
    SHUFFLE_B vex(VEX_Vpshufb_xmm_xmm_xmmm128);

    PS_TO_PD both(VEX_Vcvtps2pd_xmm_xmmm64, EVEX_Vcvtps2pd_xmm_k1z_xmmm64b32);
    PD_TO_PS both(VEX_Vcvtpd2ps_xmm_xmmm128, EVEX_Vcvtpd2ps_xmm_k1z_xmmm128b64);
    DQ_TO_PD both(VEX_Vcvtdq2pd_xmm_xmmm64, EVEX_Vcvtdq2pd_xmm_k1z_xmmm64b32);
    DQ_TO_PS both(VEX_Vcvtdq2ps_xmm_xmmm128, EVEX_Vcvtdq2ps_xmm_k1z_xmmm128b32);
    UDQ_TO_PD evex(EVEX_Vcvtudq2pd_xmm_k1z_xmmm64b32);
    UDQ_TO_PS evex(EVEX_Vcvtudq2ps_xmm_k1z_xmmm128b32);
    QQ_TO_PD evex(EVEX_Vcvtqq2pd_xmm_k1z_xmmm128b64);
    QQ_TO_PS evex(EVEX_Vcvtqq2ps_xmm_k1z_xmmm128b64);
    UQQ_TO_PD evex(EVEX_Vcvtuqq2pd_xmm_k1z_xmmm128b64);
    UQQ_TO_PS evex(EVEX_Vcvtuqq2ps_xmm_k1z_xmmm128b64);
    PD_TO_DQ both(VEX_Vcvttpd2dq_xmm_xmmm128, EVEX_Vcvttpd2dq_xmm_k1z_xmmm128b64);
    PS_TO_DQ both(VEX_Vcvttps2dq_xmm_xmmm128, EVEX_Vcvttps2dq_xmm_k1z_xmmm128b32);
    PD_TO_QQ evex(EVEX_Vcvttpd2qq_xmm_k1z_xmmm128b64);
    PS_TO_QQ evex(EVEX_Vcvttps2qq_xmm_k1z_xmmm64b32);
    PH_TO_PS both(VEX_Vcvtph2ps_xmm_xmmm64, EVEX_Vcvtph2ps_xmm_k1z_xmmm64);
    PS_TO_PH both(VEX_Vcvtps2ph_xmmm64_xmm_imm8, EVEX_Vcvtps2ph_xmmm64_k1z_xmm_imm8);

    LOAD both(VEX_Vmovdqu_xmm_xmmm128, EVEX_Vmovdqu64_xmm_k1z_xmmm128);
    LOAD_B evex(EVEX_Vmovdqu8_xmm_k1z_xmmm128);
    LOAD_W evex(EVEX_Vmovdqu16_xmm_k1z_xmmm128);
    LOAD_D evex(EVEX_Vmovdqu32_xmm_k1z_xmmm128);
    STORE both(VEX_Vmovdqu_xmmm128_xmm, EVEX_Vmovdqu64_xmmm128_k1z_xmm);
    STORE_B evex(EVEX_Vmovdqu8_xmmm128_k1z_xmm);
    STORE_W evex(EVEX_Vmovdqu16_xmmm128_k1z_xmm);
    STORE_D evex(EVEX_Vmovdqu32_xmmm128_k1z_xmm);
    MASKED_LOAD_D vex(VEX_Vpmaskmovd_xmm_xmm_m128);
    MASKED_LOAD_Q vex(VEX_Vpmaskmovq_xmm_xmm_m128);
    MASKED_STORE_D vex(VEX_Vpmaskmovd_m128_xmm_xmm);
    MASKED_STORE_Q vex(VEX_Vpmaskmovq_m128_xmm_xmm);
    BROADCAST_B both(VEX_Vpbroadcastb_xmm_xmmm8, EVEX_Vpbroadcastb_xmm_k1z_xmmm8);
    BROADCAST_W both(VEX_Vpbroadcastw_xmm_xmmm16, EVEX_Vpbroadcastw_xmm_k1z_xmmm16);
    BROADCAST_D both(VEX_Vpbroadcastd_xmm_xmmm32, EVEX_Vpbroadcastd_xmm_k1z_xmmm32);
    BROADCAST_Q both(VEX_Vpbroadcastq_xmm_xmmm64, EVEX_Vpbroadcastq_xmm_k1z_xmmm64);
}

/// Instructions of one length only, in both encodings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Single {
    vex: Code,
    evex: Code,
}

impl Single {
    pub fn code(self, level: Level) -> Code {
        match level {
            Level::Avx2 => self.vex,
            Level::Avx512 => self.evex,
        }
    }
}

const fn single(vex: Code, evex: Code) -> Single {
    Single { vex, evex }
}

pub const LOAD_4: Single = single(Code::VEX_Vmovd_xmm_rm32, Code::EVEX_Vmovd_xmm_rm32);
pub const LOAD_8: Single = single(Code::VEX_Vmovq_xmm_xmmm64, Code::EVEX_Vmovq_xmm_xmmm64);
pub const STORE_4: Single = single(Code::VEX_Vmovd_rm32_xmm, Code::EVEX_Vmovd_rm32_xmm);
pub const STORE_8: Single = single(Code::VEX_Vmovq_xmmm64_xmm, Code::EVEX_Vmovq_xmmm64_xmm);
/// A general register into the lowest lane.
pub const FROM_GENERAL: Single = single(Code::VEX_Vmovq_xmm_rm64, Code::EVEX_Vmovq_xmm_rm64);
pub const INSERT_B: Single =
    single(Code::VEX_Vpinsrb_xmm_xmm_r32m8_imm8, Code::EVEX_Vpinsrb_xmm_xmm_r32m8_imm8);
pub const INSERT_W: Single =
    single(Code::VEX_Vpinsrw_xmm_xmm_r32m16_imm8, Code::EVEX_Vpinsrw_xmm_xmm_r32m16_imm8);
pub const INSERT_D: Single =
    single(Code::VEX_Vpinsrd_xmm_xmm_rm32_imm8, Code::EVEX_Vpinsrd_xmm_xmm_rm32_imm8);
pub const INSERT_Q: Single =
    single(Code::VEX_Vpinsrq_xmm_xmm_rm64_imm8, Code::EVEX_Vpinsrq_xmm_xmm_rm64_imm8);
pub const EXTRACT_B: Single = single(Code::VEX_Vpextrb_r32m8_xmm_imm8, Code::EVEX_Vpextrb_r32m8_xmm_imm8);
pub const EXTRACT_W: Single = single(Code::VEX_Vpextrw_r32m16_xmm_imm8, Code::EVEX_Vpextrw_r32m16_xmm_imm8);
pub const EXTRACT_D: Single = single(Code::VEX_Vpextrd_rm32_xmm_imm8, Code::EVEX_Vpextrd_rm32_xmm_imm8);
pub const EXTRACT_Q: Single = single(Code::VEX_Vpextrq_rm64_xmm_imm8, Code::EVEX_Vpextrq_rm64_xmm_imm8);
/// 128 bits into the upper half of 256, and out of it.
pub const INSERT_128: Single =
    single(Code::VEX_Vinserti128_ymm_ymm_xmmm128_imm8, Code::EVEX_Vinserti32x4_ymm_k1z_ymm_xmmm128_imm8);
pub const EXTRACT_128: Single =
    single(Code::VEX_Vextracti128_xmmm128_ymm_imm8, Code::EVEX_Vextracti32x4_xmmm128_k1z_ymm_imm8);
