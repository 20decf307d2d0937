export default { roots: ['out'], testMatch: ['**/*.test.js'], transform: {} }
