// Tells what it was started with. Its own arguments begin at 2, behind Node and this file.
console.log('arguments:', process.argv.slice(2))
process.send?.(`color ${process.env.COLOR ?? 'none'}`)
