//! Calls of functions by address.

use cranelift_codegen::ir::{
    self, AbiParam, ArgumentExtension, InstBuilder, Signature, StackSlotData, StackSlotKind, types,
};

use super::super::Unsupported;
use super::lower::Lowering;
use super::vector::{Lanes, REGISTER, lane_type};
use crate::ir::{CallId, InstId, Scalar, Ty, Value};

/// A parameter or result as C passes it. Integers narrower than a register are extended by the caller, which no
/// convention minds and compilers of x86-64 code rely on.
fn abi(s: Scalar) -> AbiParam {
    let param = AbiParam::new(lane_type(s));
    let extension = match s {
        Scalar::I8 | Scalar::I16 | Scalar::I32 => ArgumentExtension::Sext,
        Scalar::Bool | Scalar::U8 | Scalar::U16 | Scalar::U32 => ArgumentExtension::Uext,
        _ => return param,
    };
    AbiParam { extension, ..param }
}

impl Lowering<'_> {
    /// A call instruction; its result, if there is one.
    pub fn call(&mut self, id: InstId, call: CallId, args: &[Value]) -> Result<Option<Lanes>, Unsupported> {
        let descr = self.tr.call(call);
        let args: Vec<Lanes> = args.iter().map(|&v| self.lanes(v)).collect();
        let lanes = args.first().map_or(1, |v| v.ty.lanes);
        if descr.params.iter().chain(&descr.result).any(|&s| s == Scalar::F16) {
            return Err(Unsupported::at(
                id,
                format!("{} passes f16, for which C has no convention", descr.name),
            ));
        }
        if let (true, true, Some(result)) = (lanes > 1, descr.tile != 0, descr.result) {
            return Ok(Some(self.call_tile(descr.tile, &args, Ty::vector(result, lanes))));
        }
        if descr.addr == 0 {
            return Err(Unsupported::at(id, format!("{} has no address", descr.name)));
        }
        if lanes == 1 {
            let scalars: Vec<ir::Value> = args.iter().map(|v| v.parts[0]).collect();
            let result = self.call_address(descr.addr, &descr.params, descr.result, &scalars);
            return Ok(result.zip(descr.result).map(|(part, s)| Lanes::scalar(s, part)));
        }
        let args: Vec<&Lanes> = args.iter().collect();
        let Some(result) = descr.result else {
            for i in 0..lanes {
                let scalars: Vec<ir::Value> = args.iter().map(|v| self.lane(v, i).parts[0]).collect();
                self.call_address(descr.addr, &descr.params, None, &scalars);
            }
            return Ok(None);
        };
        Ok(Some(self.one_by_one(result, &args, |l, scalars| {
            l.call_address(descr.addr, &descr.params, Some(result), scalars).expect("it has a result")
        })))
    }

    /// A call of a C function of scalars.
    pub fn call_address(
        &mut self,
        addr: usize,
        params: &[Scalar],
        result: Option<Scalar>,
        args: &[ir::Value],
    ) -> Option<ir::Value> {
        let mut signature = Signature::new(self.isa.target.default_call_conv());
        signature.params.extend(params.iter().map(|&s| abi(s)));
        signature.returns.extend(result.map(abi));
        let value = self.call_signature(addr, signature, args)?;
        // The rest of the register says nothing.
        Some(if result == Some(Scalar::Bool) { self.b.ins().band_imm_u(value, 1) } else { value })
    }
    fn call_signature(&mut self, addr: usize, signature: Signature, args: &[ir::Value]) -> Option<ir::Value> {
        let signature = self.b.import_signature(signature);
        let callee = self.b.ins().iconst(types::I64, addr as i64);
        let call = self.b.ins().call_indirect(signature, callee, args);
        self.b.inst_results(call).first().copied()
    }

    /// A call of a function over arrays, which are put on the stack.
    fn call_tile(&mut self, tile: usize, args: &[Lanes], result: Ty) -> Lanes {
        let mut signature = Signature::new(self.isa.target.default_call_conv());
        let mut pointers = vec![self.b.ins().iconst(types::I64, i64::from(result.lanes))];
        for (n, v) in args.iter().enumerate() {
            let array = self.array(n);
            self.store_vector(v, array, 0);
            pointers.push(array);
        }
        let array = self.array(args.len());
        pointers.push(array);
        signature.params = vec![AbiParam::new(types::I64); pointers.len()];
        self.call_signature(tile, signature, &pointers);
        self.load_vector(result, array, 0)
    }
    /// The address of room for a vector of any type. Calls share it.
    fn array(&mut self, n: usize) -> ir::Value {
        const SIZE: u32 = Ty::MAX_LANES as u32 * 8;
        if n == self.arrays.len() {
            let data = StackSlotData::new(StackSlotKind::ExplicitSlot, SIZE, REGISTER.trailing_zeros() as u8);
            self.arrays.push(self.b.create_sized_stack_slot(data));
        }
        self.b.ins().stack_addr(types::I64, self.arrays[n], 0)
    }
}
