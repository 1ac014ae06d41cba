// layout.ts is read by AssemblyScript, where these are built in.
type i32 = number;
type u32 = number;
