package enqueue

// SetChunk makes c write to Redis whenever that many bytes have come together.
func (c *Client) SetChunk(bytes int) { c.chunk = bytes }

// SetSorted sets how many recipients are put in order of their times at once.
func (c *Client) SetSorted(n int) { c.sorted = n }
